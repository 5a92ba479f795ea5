// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <flipbook/backend/cpu/simd/simd.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Swaps the upper lanes of a with the lower ones of b, in blocks of `distance` lanes.
template <std::size_t distance, class V>
[[gnu::always_inline]] inline void swap_blocks(V& a, V& b) {
#ifdef __CUDACC__  // nvcc's front end does not expand the pack of indices below
  typename V::value_type x[V::size], y[V::size];
  a.store_unaligned(x), b.store_unaligned(y);
  for (std::size_t l = 0; l < V::size; ++l) {
    if ((l & distance) == 0) std::swap(x[l + distance], y[l]);
  }
  a = V::load_unaligned(x), b = V::load_unaligned(y);
#else
  [&]<std::size_t... l>(std::index_sequence<l...>) {
    constexpr std::size_t size = sizeof...(l);
    const auto x = a.data, y = b.data;
    a.data = __builtin_shufflevector(x, y, ((l & distance) == 0 ? l : size + l - distance)...);
    b.data = __builtin_shufflevector(x, y, ((l & distance) == 0 ? l + distance : size + l)...);
  }
  (std::make_index_sequence<V::size>{});
#endif
}

/// Transposes a square of vectors: swaps its off-diagonal quarters, then those of each quarter, and so on.
template <std::size_t distance, class V>
[[gnu::always_inline]] inline void transpose_square(V (&rows)[V::size]) {
  if constexpr (distance > 0) {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      (
          [&] {
            if constexpr ((i & distance) == 0) swap_blocks<distance>(rows[i], rows[i + distance]);
          }(),
          ...);
    }
    (std::make_index_sequence<V::size>{});
    transpose_square<distance / 2>(rows);
  }
}

/// Transposes at most a square of vectors.
template <Real T>
void transpose_part(const T* from, Index pitch, Index rows, Index columns, T* to, Index to_pitch) {
  using V = Simd<T>;
  // For few numbers a scalar loop is as fast.
  if (!masked_vectors || rows * columns < 2 * lanes<T>) {
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) to[j * to_pitch + i] = from[i * pitch + j];
    }
    return;
  }
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    constexpr auto at = [](std::size_t i) { return static_cast<Index>(i); };
    V square[] = {at(k) < rows ? load_part(from + at(k) * pitch, columns) : V(T(0))...};
    transpose_square<V::size / 2>(square);
    ((at(k) < columns ? store_part(square[k], to + at(k) * to_pitch, rows) : void()), ...);
  }
  (std::make_index_sequence<V::size>{});
}

}  // namespace detail

/// to[j · to_pitch + i] = from[i · pitch + j] for i < rows, j < columns.
template <Real T>
void transpose(const T* from, Index pitch, Index rows, Index columns, T* to, Index to_pitch) {
  using V = Simd<T>;
  constexpr Index side = lanes<T>;
  for (Index i = 0; i < rows; i += side) {
    for (Index j = 0; j < columns; j += side) {
      const T* const source = from + i * pitch + j;
      T* const target = to + j * to_pitch + i;
      if (rows - i < side || columns - j < side) {
        detail::transpose_part(source, pitch, std::min(side, rows - i), std::min(side, columns - j), target, to_pitch);
        continue;
      }
      V square[V::size];
      for (std::size_t k = 0; k < V::size; ++k) {
        square[k] = V::load_unaligned(source + static_cast<Index>(k) * pitch);
      }
      detail::transpose_square<V::size / 2>(square);
      for (std::size_t k = 0; k < V::size; ++k) {
        square[k].store_unaligned(target + static_cast<Index>(k) * to_pitch);
      }
    }
  }
}

}  // namespace flipbook::cpu
