// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/backend/cuda/runtime/pack.hpp>

/// The element-wise part of recurrent cells, as in backend/cpu/recurrent/recurrent.hpp: a thread reads all gates of a
/// pack of hidden units, at a stride of the hidden size in a row.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

template <class A>
__device__ A sigmoid(A x) {
  return A(1) / (A(1) + std::exp(-x));
}

/// N values in the precision of the computation.
template <class A, int N>
struct Numbers {
  A lane[N];
  template <class T>
  __device__ explicit Numbers(const T* from) {
    const auto v = load<N>(from);
#pragma unroll
    for (int k = 0; k < N; ++k) lane[k] = static_cast<A>(v.lane[k]);
  }
  /// The sum of both, or `first` alone if `second` is null.
  template <class T>
  __device__ Numbers(const T* first, const T* second, Index at) : Numbers(first + at) {
    if (second == nullptr) return;
    const Numbers more(second + at);
#pragma unroll
    for (int k = 0; k < N; ++k) lane[k] += more.lane[k];
  }
  __device__ A operator[](int k) const { return lane[k]; }
};

}  // namespace detail

/// h' = σ(o)·tanh(c'),  c' = σ(f)·c + σ(i)·tanh(g), of the gates (gates + more) in the given order; `more` may be null.
template <int N, class T, class Order>
__global__ void lstm(Order at, Index rows, Index hidden, const T* __restrict__ gates, const T* __restrict__ more,
                     const T* __restrict__ c, T* __restrict__ next_h, T* __restrict__ next_c) {
  using Numbers = detail::Numbers<Wide<T>, N>;
  each_pack<N>(rows * hidden, [&](Index place) {
    const Index row = place / hidden * 4 * hidden + place % hidden;
    const Numbers i(gates, more, row + at.input * hidden), f(gates, more, row + at.forget * hidden);
    const Numbers g(gates, more, row + at.candidate * hidden), o(gates, more, row + at.output * hidden);
    const Numbers before(c + place);
    Wide<T> state[N];
#pragma unroll
    for (int k = 0; k < N; ++k) {
      state[k] = detail::sigmoid(f[k]) * before[k] + detail::sigmoid(i[k]) * std::tanh(g[k]);
    }
    store_each<N>(next_c + place, [&](int k) { return state[k]; });
    store_each<N>(next_h + place, [&](int k) { return detail::sigmoid(o[k]) * std::tanh(state[k]); });
  });
}

/// The gradients with respect to gates and c, from those of h' and c'; the activations are recomputed.
template <int N, class T, class Order>
__global__ void lstm_gradient(Order at, Index rows, Index hidden, const T* __restrict__ gates,
                              const T* __restrict__ more, const T* __restrict__ c, const T* __restrict__ dh,
                              const T* __restrict__ dc, T* __restrict__ d_gates, T* __restrict__ d_c) {
  using A = Wide<T>;
  using Numbers = detail::Numbers<A, N>;
  each_pack<N>(rows * hidden, [&](Index place) {
    const Index row = place / hidden * 4 * hidden + place % hidden;
    const Numbers in(gates, more, row + at.input * hidden), forget(gates, more, row + at.forget * hidden);
    const Numbers candidate(gates, more, row + at.candidate * hidden), out(gates, more, row + at.output * hidden);
    const Numbers before(c + place), d_h(dh + place), d_next(dc + place);
    A i[N], f[N], g[N], o[N], squashed[N], d_state[N];
#pragma unroll
    for (int k = 0; k < N; ++k) {
      i[k] = detail::sigmoid(in[k]), f[k] = detail::sigmoid(forget[k]), o[k] = detail::sigmoid(out[k]);
      g[k] = std::tanh(candidate[k]);
      squashed[k] = std::tanh(f[k] * before[k] + i[k] * g[k]);
      d_state[k] = d_next[k] + d_h[k] * o[k] * (A(1) - squashed[k] * squashed[k]);
    }
    T* const to = d_gates + row;
    store_each<N>(to + at.input * hidden, [&](int k) { return d_state[k] * g[k] * i[k] * (A(1) - i[k]); });
    store_each<N>(to + at.forget * hidden, [&](int k) { return d_state[k] * before[k] * f[k] * (A(1) - f[k]); });
    store_each<N>(to + at.candidate * hidden, [&](int k) { return d_state[k] * i[k] * (A(1) - g[k] * g[k]); });
    store_each<N>(to + at.output * hidden, [&](int k) { return d_h[k] * squashed[k] * o[k] * (A(1) - o[k]); });
    store_each<N>(d_c + place, [&](int k) { return d_state[k] * f[k]; });
  });
}

namespace detail {
/// The gates of a GRU: r = σ(xᵣ + hᵣ), z = σ(x_z + h_z), n = tanh(xₙ + r·hₙ); rows hold r, z, n.
template <class A, int N>
struct GruGates {
  A r[N], z[N], n[N], hidden_n[N];
  template <class T>
  __device__ GruGates(Index hidden, const T* x, const T* h) {
    const Numbers<A, N> xr(x), xz(x + hidden), xn(x + 2 * hidden), hr(h), hz(h + hidden), hn(h + 2 * hidden);
#pragma unroll
    for (int k = 0; k < N; ++k) {
      r[k] = sigmoid(xr[k] + hr[k]), z[k] = sigmoid(xz[k] + hz[k]), hidden_n[k] = hn[k];
      n[k] = std::tanh(xn[k] + r[k] * hn[k]);
    }
  }
};
}  // namespace detail

/// h' = (1 − z)·n + z·h
template <int N, class T>
__global__ void gru(Index rows, Index hidden, const T* __restrict__ x_gates, const T* __restrict__ h_gates,
                    const T* __restrict__ h, T* __restrict__ next_h) {
  each_pack<N>(rows * hidden, [&](Index place) {
    const Index row = place / hidden * 3 * hidden + place % hidden;
    const detail::GruGates<Wide<T>, N> gate(hidden, x_gates + row, h_gates + row);
    const detail::Numbers<Wide<T>, N> before(h + place);
    store_each<N>(next_h + place, [&](int k) { return gate.n[k] + gate.z[k] * (before[k] - gate.n[k]); });
  });
}

/// The gradients with respect to both parts of the gates and h.
template <int N, class T>
__global__ void gru_gradient(Index rows, Index hidden, const T* __restrict__ x_gates, const T* __restrict__ h_gates,
                             const T* __restrict__ h, const T* __restrict__ dy, T* __restrict__ d_x_gates,
                             T* __restrict__ d_h_gates, T* __restrict__ d_h) {
  using A = Wide<T>;
  each_pack<N>(rows * hidden, [&](Index place) {
    const Index row = place / hidden * 3 * hidden + place % hidden;
    const detail::GruGates<A, N> gate(hidden, x_gates + row, h_gates + row);
    const detail::Numbers<A, N> before(h + place), d(dy + place);
    A d_r[N], d_z[N], d_n[N];
#pragma unroll
    for (int k = 0; k < N; ++k) {
      d_n[k] = d[k] * (A(1) - gate.z[k]) * (A(1) - gate.n[k] * gate.n[k]);
      d_r[k] = d_n[k] * gate.hidden_n[k] * gate.r[k] * (A(1) - gate.r[k]);
      d_z[k] = d[k] * (before[k] - gate.n[k]) * gate.z[k] * (A(1) - gate.z[k]);
    }
    for (T* const to : {d_x_gates + row, d_h_gates + row}) {
      store_each<N>(to, [&](int k) { return d_r[k]; });
      store_each<N>(to + hidden, [&](int k) { return d_z[k]; });
    }
    store_each<N>(d_x_gates + row + 2 * hidden, [&](int k) { return d_n[k]; });
    store_each<N>(d_h_gates + row + 2 * hidden, [&](int k) { return d_n[k] * gate.r[k]; });
    store_each<N>(d_h + place, [&](int k) { return d[k] * gate.z[k]; });
  });
}

}  // namespace flipbook::cuda
