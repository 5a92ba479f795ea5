// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

#include <flipbook/backend/cuda/graph/graph.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace cuda {

/// An optimiser's state, K arrays.
template <class W, int K>
struct Memories {
  W* at[K == 0 ? 1 : K];
};

/// One element of an optimiser's step: f changes parameter p and its state.
template <class W, int N, int K, class F>
__device__ void update_lane(const F& f, W g, W& p, Pack<W, N> (&m)[K == 0 ? 1 : K], int lane) {
  [&]<std::size_t... I>(std::index_sequence<I...>) { f(g, p, m[I].lane[lane]...); }
  (std::make_index_sequence<K>{});
}

/// f(g · factor, p, m…) for packs of N elements; p is read from `master` if there is one, and rounded to `parameters`.
template <int N, class T, class F, int K>
__global__ void update(Varying<F> varying, const Wide<T>* factor, Index packs, const T* gradient, T* parameters,
                       Wide<T>* master, Memories<Wide<T>, K> memories) {
  using W = Wide<T>;
  const W times = factor == nullptr ? W(1) : *factor;
  if (!(times - times == 0)) return;  // not finite: the step is skipped
  const F f = varying.value();
  for (Index at = thread_number(); at < packs; at += thread_count()) {
    const Pack<T, N> g = load<N>(gradient + at * N);
    Pack<W, N> p, m[K == 0 ? 1 : K];
    if (master != nullptr) {
      p = load<N>(master + at * N);
    } else {
      const Pack<T, N> rounded = load<N>(parameters + at * N);
      for (int j = 0; j < N; ++j) p.lane[j] = static_cast<W>(rounded.lane[j]);
    }
    for (int k = 0; k < K; ++k) m[k] = load<N>(memories.at[k] + at * N);
#pragma unroll
    for (int j = 0; j < N; ++j) update_lane<W, N, K>(f, static_cast<W>(g.lane[j]) * times, p.lane[j], m, j);
    if (master != nullptr) store(p, master + at * N);
    store_each<N>(parameters + at * N, [&](int j) { return p.lane[j]; });
    for (int k = 0; k < K; ++k) store(m[k], memories.at[k] + at * N);
  }
}

}  // namespace cuda

namespace kernel {

/// f(g · factor, p, m…) element by element, which changes parameters p and an optimiser's state m… in place, in one
/// launch. Nothing is changed if `factor`, a number on the device, is not finite.
/// @param master  the parameters in Wide<T> if T has two bytes
template <class T, class F, class... Memory>
void update(Cuda, const F& f, const Tensor<Wide<T>, Cuda>& factor, const Tensor<T, Cuda>& gradient,
            Tensor<T, Cuda>& parameters, Tensor<Wide<T>, Cuda> master, Memory&... memories) {
  using W = Wide<T>;
  constexpr int memory_count = static_cast<int>(sizeof...(Memory)), n = 16 / static_cast<int>(sizeof(W));
  const auto varying = cuda::varying(f);
  if (cuda::refreshing()) return;
  cuda::note_write(parameters.data(), static_cast<std::size_t>(parameters.size()) * sizeof(T));
  const cuda::Memories<W, memory_count> all{{memories.data()...}};
  const auto run = [&]<int N>() {
    const Index packs = parameters.size() / N;
    cuda::launch(cuda::update<N, T, F, memory_count>, cuda::blocks_for(packs), cuda::block_threads, 0, varying,
                 factor.data(), packs, gradient.data(), parameters.data(), master.data(), all);
  };
  const auto at = std::bit_cast<std::uintptr_t>(gradient.data()) | std::bit_cast<std::uintptr_t>(parameters.data());
  const bool packed = parameters.size() % n == 0 && at % (sizeof(T) * static_cast<std::size_t>(n)) == 0;
  if (packed) run.template operator()<n>();
  else run.template operator()<1>();
}

}  // namespace kernel
}  // namespace flipbook
