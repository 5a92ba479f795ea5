// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/elementwise/units.hpp>
#include <flipbook/kernels/attention/positions.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The cosine and sine of every angle, [token, pair]: worked out once for each place along an axis.
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

/// Turns vectors of 2·half numbers, of which each token has `vectors`: the pair (x[j], x[half + j]) by the
/// angle whose cosine and sine are at [token mod tokens, j]. Of each token only the first `turned` vectors
/// are turned, the others copied. `direction` is −1 to turn back.
template <Real T>
void rotate(Index rows, Index tokens, Index vectors, Index turned, Index half, const T* x, const T* cosines,
            const T* sines, T direction, T* y) {
  using V = Simd<T>;
  for_each_unit<T>(rows, half, [=](Index row, Units<T> units) {
    const T* const from = x + row * 2 * half;
    T* const to = y + row * 2 * half;
    const V a = units.load(from), b = units.load(from + half);
    if (row % vectors >= turned) {
      units.store(a, to), units.store(b, to + half);
      return;
    }
    const Index angle = row / vectors % tokens * half;
    const V c = units.load(cosines + angle), s = V(direction) * units.load(sines + angle);
    units.store(a * c - b * s, to);
    units.store(b * c + a * s, to + half);
  });
}

}  // namespace flipbook::cpu
