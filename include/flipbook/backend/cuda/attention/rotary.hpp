// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/core/scalar.hpp>
#include <flipbook/kernels/attention/positions.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

namespace detail {

template <class T>
__global__ void position_angles(PositionAngles angles, T* cosines, T* sines) {
  for (Index i = thread_number(); i < angles.tokens() * angles.pairs(); i += thread_count()) {
    const auto pair = angles.pair(i % angles.pairs());
    const double angle = pair.angle(i / angles.pairs() / pair.inner % pair.extent);
    cosines[i] = static_cast<T>(static_cast<Wide<T>>(std::cos(angle)));
    sines[i] = static_cast<T>(static_cast<Wide<T>>(std::sin(angle)));
  }
}

template <class T>
__global__ void apply_rotary(Index rows, Index tokens, Index vectors, Index rotated, Index half, const T* x,
                             const T* cosines, const T* sines, bool back, T* y) {
  using A = Wide<T>;
  for (Index i = thread_number(); i < rows * half; i += thread_count()) {
    const Index row = i / half, j = i % half, first = row * 2 * half + j;
    const T a = x[first], b = x[first + half];
    if (row % vectors >= rotated) {
      y[first] = a, y[first + half] = b;
      continue;
    }
    const Index angle = row / vectors % tokens * half + j;
    const A c = static_cast<A>(cosines[angle]), s = back ? -static_cast<A>(sines[angle]) : static_cast<A>(sines[angle]);
    y[first] = static_cast<T>(static_cast<A>(a) * c - static_cast<A>(b) * s);
    y[first + half] = static_cast<T>(static_cast<A>(b) * c + static_cast<A>(a) * s);
  }
}

}  // namespace detail

/// The cosine and sine of every angle, (tokens, pairs).
template <class T>
void position_angles(const PositionAngles& angles, T* cosines, T* sines) {
  launch(detail::position_angles<T>, blocks_for(angles.tokens() * angles.pairs()), block_threads, 0, angles, cosines,
         sines);
}

/// Rotates the first `rotated` of the `vectors` vectors of each token and copies the others. In a vector of 2·half
/// components, the pair (x[j], x[half + j]) is rotated by the angle whose cosine and sine are at [token mod tokens, j],
/// or by its negative if `back`.
template <class T>
void apply_rotary(Index rows, Index tokens, Index vectors, Index rotated, Index half, const T* x, const T* cosines,
                  const T* sines, bool back, T* y) {
  const Index pairs = rows * half;
  launch(detail::apply_rotary<T>, blocks_for(pairs), block_threads, 0, rows, tokens, vectors, rotated, half, x, cosines,
         sines, back, y);
}

}  // namespace flipbook::cuda
