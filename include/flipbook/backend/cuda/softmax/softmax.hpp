// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include <flipbook/backend/cuda/reduce/rows.hpp>

/// Softmax, as in backend/cpu/softmax/softmax.hpp: every row is read from memory once, and again from the cache.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

// The number subtracted from a row before exp: its maximum, or 0 if that is infinite, so that a row of −∞ sums to 0 and
// one with ∞ to ∞.
template <class T, int N>
__device__ Wide<T> shift_of_row(const RowThread<N>& at, const T* x) {
  using A = Wide<T>;
  A largest = -std::numeric_limits<A>::infinity();
  const auto larger = [](A a, A b) { return b > a ? b : a; };
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
#pragma unroll
    for (int k = 0; k < N; ++k) largest = larger(largest, static_cast<A>(v.lane[k]));
  });
  largest = at.all(largest, larger);
  return std::isfinite(largest) ? largest : A(0);
}

template <class T, int N>
__device__ Wide<T> sum_exp_of_row(const RowThread<N>& at, const T* x, Wide<T> shift) {
  using A = Wide<T>;
  return at.template sum_of<A>([&](Index i) {
    const auto v = load<N>(x + i);
    A sum = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) sum += std::exp(static_cast<A>(v.lane[k]) - shift);
    return sum;
  });
}

}  // namespace detail

/// y = exp(x − log Σ exp(x)) for every row.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    softmax(RowPlan plan, const T* __restrict__ x, T* __restrict__ y) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  x += at.row * plan.n, y += at.row * plan.n;
  const A shift = detail::shift_of_row(at, x), scale = A(1) / detail::sum_exp_of_row(at, x, shift);
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
    store_each<N>(y + i, [&](int k) { return std::exp(static_cast<A>(v.lane[k]) - shift) * scale; });
  });
}

/// y = x − log Σ exp(x) for every row.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    log_softmax(RowPlan plan, const T* __restrict__ x, T* __restrict__ y) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  x += at.row * plan.n, y += at.row * plan.n;
  const A high = detail::shift_of_row(at, x), low = std::log(detail::sum_exp_of_row(at, x, high));
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
    store_each<N>(y + i, [&](int k) { return static_cast<A>(v.lane[k]) - high - low; });
  });
}

/// out = log Σ exp(x) for every row.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    log_sum_exp(RowPlan plan, const T* __restrict__ x, T* __restrict__ out) {
  const RowThread<N> at(plan);
  x += at.row * plan.n;
  const auto shift = detail::shift_of_row(at, x), total = detail::sum_exp_of_row(at, x, shift);
  if (at.inside && at.lane == 0) out[at.row] = static_cast<T>(shift + std::log(total));
}

/// dx = y·(dy − Σ dy·y) for every row.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    softmax_gradient(RowPlan plan, const T* __restrict__ y, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  y += at.row * plan.n, dy += at.row * plan.n, dx += at.row * plan.n;
  const A dot = at.template sum_of<A>([&](Index i) {
    const auto v = load<N>(y + i), d = load<N>(dy + i);
    A sum = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) sum += static_cast<A>(v.lane[k]) * static_cast<A>(d.lane[k]);
    return sum;
  });
  at.each([&](Index i) {
    const auto v = load<N>(y + i), d = load<N>(dy + i);
    store_each<N>(dx + i, [&](int k) { return static_cast<A>(v.lane[k]) * (static_cast<A>(d.lane[k]) - dot); });
  });
}

/// dx = dy − exp(y)·Σ dy for every row.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    log_softmax_gradient(RowPlan plan, const T* __restrict__ y, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  y += at.row * plan.n, dy += at.row * plan.n, dx += at.row * plan.n;
  const A total = at.template sum_of<A>([&](Index i) {
    const auto d = load<N>(dy + i);
    A sum = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) sum += static_cast<A>(d.lane[k]);
    return sum;
  });
  at.each([&](Index i) {
    const auto v = load<N>(y + i), d = load<N>(dy + i);
    store_each<N>(dx + i,
                  [&](int k) { return static_cast<A>(d.lane[k]) - std::exp(static_cast<A>(v.lane[k])) * total; });
  });
}

/// dx = dy·exp(x − y) for every row, with one element of y and dy each.
template <class T, int N>
__global__ void __launch_bounds__(RowPlan::most_threads)
    log_sum_exp_gradient(RowPlan plan, const T* __restrict__ x, const T* __restrict__ y, const T* __restrict__ dy,
                         T* __restrict__ dx) {
  using A = Wide<T>;
  const RowThread<N> at(plan);
  if (!at.inside) return;
  x += at.row * plan.n, dx += at.row * plan.n;
  const A of_row = static_cast<A>(y[at.row]), shift = std::isfinite(of_row) ? of_row : A(0);
  const A d = static_cast<A>(dy[at.row]);
  at.each([&](Index i) {
    const auto v = load<N>(x + i);
    store_each<N>(dx + i, [&](int k) { return d * std::exp(static_cast<A>(v.lane[k]) - shift); });
  });
}

}  // namespace flipbook::cuda
