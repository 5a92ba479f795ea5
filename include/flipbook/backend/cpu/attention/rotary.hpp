// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/backend/cpu/reduce/columns.hpp>
#include <flipbook/kernels/attention/positions.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The cosines and sines of all angles, (tokens, pairs), computed once for each position along an axis.
template <Real T>
void position_angles(const PositionAngles& angles, T* cosines, T* sines) {
  for (Index j = 0; j < angles.pairs(); ++j) {
    const auto pair = angles.pair(j);
    for (Index place = 0; place < pair.extent; ++place) {
      const double angle = pair.angle(place);
      const T cosine = static_cast<T>(std::cos(angle)), sine = static_cast<T>(std::sin(angle));
      for (Index token = place * pair.inner; token < angles.tokens(); token += pair.extent * pair.inner) {
        for (Index i = token; i < token + pair.inner; ++i) {
          cosines[i * angles.pairs() + j] = cosine;
          sines[i * angles.pairs() + j] = sine;
        }
      }
    }
  }
}

namespace detail {

/// Rotates the pairs [j, j + lanes of V) of `count` consecutive vectors by the same angles.
template <class V, Real T>
void rotate_pair(Index j, Index count, Index half, const T* x, const V& cosine, const V& sine, T* y) {
  for (Index at = j; at < j + 2 * half * count; at += 2 * half) {
    const V a = load<V>(x + at), b = load<V>(x + at + half);
    store(a * cosine - b * sine, y + at);
    store(b * cosine + a * sine, y + at + half);
  }
}

}  // namespace detail

/// Rotates the pairs (x[j], x[half + j]) of vectors of 2·half numbers, `vectors` of them for each token. The cosines
/// and sines of the angles are at [token mod tokens, j]. The first `rotated` vectors of each token are rotated; the
/// others are copied. `direction` is −1 for the inverse rotation.
template <Real T>
void apply_rotary(Index rows, Index tokens, Index vectors, Index rotated, Index half, const T* x, const T* cosines,
                  const T* sines, T direction, T* y) {
  if (rows == 0) return;
  const Index size = vectors * 2 * half, still = rotated * 2 * half;
  parallel_for(rows / vectors, std::max<Index>(1, map_grain / size), [=](Index first, Index last) {
    Index place = first % tokens;  // incremented, since a division costs as much as rotating a short vector
    for (Index token = first; token < last; ++token, place = place + 1 < tokens ? place + 1 : 0) {
      const T *const from = x + token * size, *const cosine = cosines + place * half,
                     *const sine = sines + place * half;
      T* const to = y + token * size;
      const auto turn = [&]<class V>(Index j, const V& sign) {
        detail::rotate_pair<V>(j, rotated, half, from, detail::load<V>(cosine + j), sign * detail::load<V>(sine + j),
                               to);
      };
      Index j = 0;
      for (; j + lanes<T> <= half; j += lanes<T>) turn(j, Simd<T>(direction));
      for (; j < half; ++j) turn(j, direction);
      std::copy(from + still, from + size, to + still);
    }
  });
}

}  // namespace flipbook::cpu
