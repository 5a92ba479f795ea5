// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/backend/cuda/elementwise/map.hpp>
#include <flipbook/backend/cuda/random/random.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace cuda {

template <class T>
struct Same {
  T value;
  constexpr T operator()() const { return value; }
};

/// x[2i] and x[2i + 1] from block i of a stream.
template <class T, class Pair>
__global__ void draw(Pair pair, Draws draws, Index size, T* x) {
  const Rng stream = draws.stream();
  for (Index i = thread_number(); i < (size + 1) / 2; i += thread_count()) {
    const auto two = pair(stream.block(static_cast<std::uint64_t>(i)));
    x[2 * i] = static_cast<T>(two[0]);
    if (2 * i + 1 < size) x[2 * i + 1] = static_cast<T>(two[1]);
  }
}

template <class To, class From, class F>
__global__ void convert(F f, Index size, const From* from, To* to) {
  for (Index i = thread_number(); i < size; i += thread_count()) to[i] = f(from[i]);
}

}  // namespace cuda

/// Sets every element of a tensor, which may be a view, to `value`.
template <Element T>
void fill(Tensor<T, Cuda>& x, T value) {
  cuda::map(cuda::Same<T>{value}, x.size(), x.data());
}

namespace detail {

template <Element To>
struct Converted;

template <Real T, class Pair>
void draw(Tensor<T, Cuda>& x, const Rng& stream, const Pair& pair) {
  cuda::launch(cuda::draw<T, Pair>, cuda::blocks_for((x.size() + 1) / 2), cuda::block_threads, 0, pair,
               cuda::draws(stream), x.size(), x.data());
}

template <Element To, Element From>
void convert(Tensor<To, Cuda>& to, const Tensor<From, Cuda>& from) {
  cuda::launch(cuda::convert<To, From, Converted<To>>, cuda::blocks_for(from.size()), cuda::block_threads, 0,
               Converted<To>{}, from.size(), from.data(), to.data());
}

}  // namespace detail
}  // namespace flipbook
