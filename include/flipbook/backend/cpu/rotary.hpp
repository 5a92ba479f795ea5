#pragma once

#include <flipbook/backend/cpu/units.hpp>

namespace flipbook::cpu {

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
