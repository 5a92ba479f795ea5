// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/simd/exp2.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

// The first `count` lanes from memory, the others `other`.
template <Real T>
Simd<T> load_part_or(T other, const T* from, Index count) {
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)];
  for (Index i = 0; i < lanes<T>; ++i) padded[i] = i < count ? from[i] : other;
  return Simd<T>::load_aligned(padded);
}

template <Real T>
inline constexpr T minus_infinity = -std::numeric_limits<T>::infinity();

// The shift subtracted from a row before exp: its maximum, or 0 where that is infinite, so that a row of −∞ sums to 0
// and one with ∞ to ∞.
template <Real T>
T shift_of_row(const T* x, Index n) {
  Simd<T> largest(minus_infinity<T>);
  Index i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) largest = xsimd::max(largest, Simd<T>::load_unaligned(x + i));
  if (i < n) largest = xsimd::max(largest, load_part_or(minus_infinity<T>, x + i, n - i));
  alignas(Simd<T>) T lane[static_cast<std::size_t>(lanes<T>)];
  largest.store_aligned(lane);
  for (Index half = lanes<T> / 2; half > 0; half /= 2) {
    for (Index l = 0; l < half; ++l) lane[l] = std::max(lane[l], lane[l + half]);
  }
  return std::isfinite(lane[0]) ? lane[0] : T(0);
}

// Σ f(x…) over a row. Padding is `other` in the first operand and 0 in the rest; f of padding must be 0.
template <Real T, class F, class... Rest>
T sum_of_row(const F& f, Index n, T other, const T* x, const Rest*... rest) {
  Simd<T> even(T(0)), odd(T(0));
  Index i = 0;
  for (; i + 2 * lanes<T> <= n; i += 2 * lanes<T>) {
    even += f(Simd<T>::load_unaligned(x + i), Simd<T>::load_unaligned(rest + i)...);
    odd += f(Simd<T>::load_unaligned(x + i + lanes<T>), Simd<T>::load_unaligned(rest + i + lanes<T>)...);
  }
  if (i + lanes<T> <= n) {
    even += f(Simd<T>::load_unaligned(x + i), Simd<T>::load_unaligned(rest + i)...);
    i += lanes<T>;
  }
  if (i < n) odd += f(load_part_or(other, x + i, n - i), load_part(rest + i, n - i)...);
  return xsimd::hadd(even + odd);
}

template <Real T>
T sum_exp_of_row(const T* x, Index n, T shift) {
  return sum_of_row([s = Simd<T>(shift)](const Simd<T>& v) { return Simd<T>(math::exp(v - s)); }, n, minus_infinity<T>,
                    x);
}

/// y = 2^((x − shift)·log₂e). Returns its sum.
template <Real T>
T weigh_row(const T* x, Index n, T shift, T* y) {
  const Simd<T> s(shift), scale = constant<Simd<T>>(std::numbers::log2e);
  Simd<T> sum(T(0));
  Index i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) {
    const Simd<T> weight = exp2<T>((Simd<T>::load_unaligned(x + i) - s) * scale);
    weight.store_unaligned(y + i);
    sum += weight;
  }
  if (i < n) {
    const Simd<T> weight = exp2<T>((load_part_or(minus_infinity<T>, x + i, n - i) - s) * scale);
    store_part(weight, y + i, n - i);
    sum += weight;
  }
  return xsimd::hadd(sum);
}

/// Calls body(first, last) for groups of rows that fit the first-level cache.
template <class Body>
void some_rows(Index rows, Index n, const Body& body) {
  parallel_for(rows, std::max<Index>(1, map_grain / std::max<Index>(1, 4 * n)), [&](Index first, Index last) {
    const Index together = rows_together(n);
    for (; first < last; first += together) body(first, std::min(first + together, last));
  });
}
template <class Body>
void each_row(Index rows, Index n, const Body& body) {
  some_rows(rows, n, [&](Index first, Index last) {
    for (Index row = first; row < last; ++row) body(row);
  });
}

}  // namespace detail

/// y = exp(x − log Σ exp(x)) for every row of x (rows, n).
template <Real T>
void softmax(Index rows, Index n, const T* x, T* y) {
  detail::some_rows(rows, n, [&](Index first, Index last) {
    std::array<T, most_rows_together> number;  // the shift of each row, then its sum
    const auto own = [&](Index row) -> T& { return number[static_cast<std::size_t>(row - first)]; };
    for (Index row = first; row < last; ++row) own(row) = detail::shift_of_row(x + row * n, n);
    for (Index row = first; row < last; ++row) own(row) = detail::weigh_row(x + row * n, n, own(row), y + row * n);
    for (Index row = first; row < last; ++row) {
      const Simd<T> scale(T(1) / own(row));
      map_serial([&](const Simd<T>& v) { return v * scale; }, 0, n, y + row * n, static_cast<const T*>(y + row * n));
    }
  });
}

/// out = log Σ exp(x) for every row of x (rows, n).
template <Real T>
void log_sum_exp(Index rows, Index n, const T* x, T* out) {
  detail::each_row(rows, n, [&](Index row) {
    const T* const from = x + row * n;
    const T shift = detail::shift_of_row(from, n);
    out[row] = shift + std::log(detail::sum_exp_of_row(from, n, shift));
  });
}

/// y = x − log Σ exp(x) for every row of x (rows, n).
template <Real T>
void log_softmax(Index rows, Index n, const T* x, T* y) {
  detail::each_row(rows, n, [&](Index row) {
    const T* const from = x + row * n;
    const T shift = detail::shift_of_row(from, n);
    const Simd<T> high(shift), low(std::log(detail::sum_exp_of_row(from, n, shift)));
    map_serial([&](const Simd<T>& v) { return v - high - low; }, 0, n, y + row * n, from);
  });
}

/// dx = y·(dy − Σ dy·y) for every row.
template <Real T>
void softmax_gradient(Index rows, Index n, const T* y, const T* dy, T* dx) {
  detail::each_row(rows, n, [&](Index row) {
    const T *const from = y + row * n, *const d = dy + row * n;
    const Simd<T> dot(detail::sum_of_row([](const Simd<T>& a, const Simd<T>& b) { return a * b; }, n, T(0), from, d));
    map_serial([&](const Simd<T>& a, const Simd<T>& b) { return a * (b - dot); }, 0, n, dx + row * n, from, d);
  });
}

/// dx = dy − exp(y)·Σ dy for every row.
template <Real T>
void log_softmax_gradient(Index rows, Index n, const T* y, const T* dy, T* dx) {
  detail::each_row(rows, n, [&](Index row) {
    const T* const d = dy + row * n;
    const Simd<T> total(detail::sum_of_row([](const Simd<T>& v) { return v; }, n, T(0), d));
    map_serial([&](const Simd<T>& a, const Simd<T>& b) { return b - math::exp(a) * total; }, 0, n, dx + row * n,
               y + row * n, d);
  });
}

/// dx = dy·exp(x − y) for every row of x (rows, n); y and dy have one number per row.
template <Real T>
void log_sum_exp_gradient(Index rows, Index n, const T* x, const T* y, const T* dy, T* dx) {
  detail::each_row(rows, n, [&](Index row) {
    const Simd<T> shift(std::isfinite(y[row]) ? y[row] : T(0)), d(dy[row]);
    map_serial([&](const Simd<T>& v) { return d * math::exp(v - shift); }, 0, n, dx + row * n, x + row * n);
  });
}

}  // namespace flipbook::cpu
