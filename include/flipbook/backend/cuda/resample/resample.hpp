// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include <flipbook/backend/cuda/runtime/pack.hpp>
#include <flipbook/kernels/resample/geometry.hpp>

/// Blocks of positions and resized axes, as in backend/cpu/resample/resample.hpp. A thread computes a pack of channels
/// of one output position, and gathers its inputs.
namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Each position of x repeated over its block of y.
template <class T, int N>
__global__ void repeat_blocks(Blocks b, const T* __restrict__ x, T* __restrict__ y) {
  each_pack<N>(b.blocks() * b.block_size() * b.channels, [&](Index i) {
    const Index channel = i % b.channels, place = i / b.channels;
    const Index w = place % (b.count[2] * b.size[2]), above = place / (b.count[2] * b.size[2]);
    const Index h = above % (b.count[1] * b.size[1]), before = above / (b.count[1] * b.size[1]);
    const Index t = before % (b.count[0] * b.size[0]), n = before / (b.count[0] * b.size[0]);
    const Index from = ((n * b.count[0] + t / b.size[0]) * b.count[1] + h / b.size[1]) * b.count[2] + w / b.size[2];
    store(load<N>(x + from * b.channels + channel), y + i);
  });
}

/// Each position of y is the sum over its block of x.
template <class T, int N>
__global__ void sum_blocks(Blocks b, const T* __restrict__ x, T* __restrict__ y) {
  using A = Wide<T>;
  each_pack<N>(b.blocks() * b.channels, [&](Index i) {
    const Index block = i / b.channels;
    const T* const from = x + b.first_of(block) + i % b.channels;
    A sum[N] = {};
    b.each_place([&](Index offset) {
      const auto v = load<N>(from + offset);
#pragma unroll
      for (int k = 0; k < N; ++k) sum[k] += static_cast<A>(v.lane[k]);
    });
    store_each<N>(y + i, [&](int k) { return sum[k]; });
  });
}

/// The index in x of the largest element of each block, for each channel: the first of equals, or a NaN.
template <class T>
__global__ void largest_of_blocks(Blocks b, const T* __restrict__ x, std::int64_t* __restrict__ index) {
  using A = Wide<T>;
  each_pack<1>(b.blocks() * b.channels, [&](Index i) {
    const Index block = i / b.channels;
    const Index first = b.first_of(block) + i % b.channels;
    Index best = first;
    A largest = static_cast<A>(x[first]);
    b.each_place([&](Index offset) {
      const A value = static_cast<A>(x[first + offset]);
      if (value > largest || std::isnan(value)) largest = value, best = first + offset;
    });
    index[i] = best;
  });
}

/// y[i] = x[index[i]].
template <class T>
__global__ void take(Index count, const std::int64_t* __restrict__ index, const T* __restrict__ x, T* __restrict__ y) {
  each_pack<1>(count, [&](Index i) { y[i] = x[index[i]]; });
}

/// y[index[i]] = x[i], for distinct indices.
template <class T>
__global__ void put(Index count, const std::int64_t* __restrict__ index, const T* __restrict__ x, T* __restrict__ y) {
  each_pack<1>(count, [&](Index i) { y[index[i]] = x[i]; });
}

/// y[o, j, :], interpolated between two neighbours in x[o, :, :].
template <class T, int N>
__global__ void interpolate(Index outer, LinearTaps taps, Index inner, const T* __restrict__ x, T* __restrict__ y) {
  using A = Wide<T>;
  each_pack<N>(outer * taps.resized * inner, [&](Index i) {
    const Index place = i / inner, o = place / taps.resized;
    const auto tap = taps.at(place % taps.resized);
    const A high = static_cast<A>(tap.weight), low = A(1) - high;
    const auto a = load<N>(x + (o * taps.extent + tap.low) * inner + i % inner);
    const auto b = load<N>(x + (o * taps.extent + tap.high) * inner + i % inner);
    store_each<N>(y + i, [&](int k) { return low * static_cast<A>(a.lane[k]) + high * static_cast<A>(b.lane[k]); });
  });
}

/// The adjoint: a position of x gathers from the positions of y that read it, less than one position of x away.
template <class T, int N>
__global__ void interpolate_adjoint(Index outer, LinearTaps taps, Index inner, const T* __restrict__ y,
                                    T* __restrict__ x) {
  using A = Wide<T>;
  each_pack<N>(outer * taps.extent * inner, [&](Index i) {
    const Index place = i / inner, o = place / taps.extent, at = place % taps.extent;
    const double scale = static_cast<double>(taps.resized) / static_cast<double>(taps.extent);
    const auto near = [&](double from) { return static_cast<Index>(std::floor((from + 0.5) * scale - 0.5)); };
    Index first = near(static_cast<double>(at - 1)), last = near(static_cast<double>(at + 1)) + 1;
    if (at == 0 || first < 0) first = 0;
    if (at == taps.extent - 1 || last >= taps.resized) last = taps.resized - 1;
    A sum[N] = {};
    for (Index j = first; j <= last; ++j) {
      const auto tap = taps.at(j);
      const A high = static_cast<A>(tap.weight), low = A(1) - high;
      const A part = (tap.low == at ? low : A(0)) + (tap.high == at ? high : A(0));
      const auto v = load<N>(y + (o * taps.resized + j) * inner + i % inner);
#pragma unroll
      for (int k = 0; k < N; ++k) sum[k] += part * static_cast<A>(v.lane[k]);
    }
    store_each<N>(x + i, [&](int k) { return sum[k]; });
  });
}

}  // namespace flipbook::cuda
