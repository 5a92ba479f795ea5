// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/small_product.hpp>
#include <flipbook/backend/cpu/runtime/rounding.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Whether the right operand of a tile may end within a vector; otherwise its rows are padded to whole vectors.
inline constexpr bool tiles_end_anywhere = masked_vectors;

/// Prefetches rows that are read, or written, later. Inlined, since compilers drop calls without an effect.
template <int to_write = 0, Real T>
[[gnu::always_inline]] inline void fetch(const T* from, Index pitch, Index rows, Index columns) {
  constexpr Index line = 64 / Index{sizeof(T)};
  for (; rows > 0; --rows, from += pitch) {
    for (Index j = 0; j < columns; j += line) __builtin_prefetch(from + j, to_write);
  }
}

namespace detail {

/// As small_tile, but the last vector of a tile that `ends` within it has `last` columns.
template <Real T, int rows, int vectors, bool ends, bool streams>
void edge_tile(const SmallOperand<T>& left, Index length, const VectorRows<const T>& right, Index last,
               const VectorRows<const T>& start, const VectorRows<T>& to) {
  using V = Simd<T>;
  constexpr int whole = vectors - 1;
  V sum[rows][vectors];
  const T *from[rows], *const begin = start.data;
  T* const result = to.data;
  const Index begin_pitch = start.pitch, result_pitch = to.pitch;
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    from[i] = left.data + i * left.row;
    const T* const first = begin + i * begin_pitch;
    FLIPBOOK_UNROLL
    for (int j = 0; j < whole; ++j) sum[i][j] = V::load_unaligned(first + j * lanes<T>);
    if constexpr (ends) sum[i][whole] = load_part(first + whole * lanes<T>, last);
    else sum[i][whole] = V::load_unaligned(first + whole * lanes<T>);
  }
  const T* across = right.data;
  const Index end = length * left.step;
  for (Index at = 0; at < end; at += left.step, across += right.pitch) {
    V column[vectors];
    FLIPBOOK_UNROLL
    for (int j = 0; j < whole; ++j) column[j] = V::load_unaligned(across + j * lanes<T>);
    if constexpr (ends && tiles_end_anywhere) column[whole] = load_part(across + whole * lanes<T>, last);
    else column[whole] = V::load_unaligned(across + whole * lanes<T>);
    if constexpr (streams) {
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) __builtin_prefetch(across + (vectors + j) * lanes<T>);
    }
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      const V x(from[i][at]);
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(x, column[j], sum[i][j]);
    }
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    T* const first = result + i * result_pitch;
    FLIPBOOK_UNROLL
    for (int j = 0; j < whole; ++j) sum[i][j].store_unaligned(first + j * lanes<T>);
    if constexpr (ends) store_part(sum[i][whole], first + whole * lanes<T>, last);
    else sum[i][whole].store_unaligned(first + whole * lanes<T>);
  }
}

template <Real T>
using EdgeTile = void (*)(const SmallOperand<T>&, Index, const VectorRows<const T>&, Index, const VectorRows<const T>&,
                          const VectorRows<T>&);

template <Real T, int vectors, bool ends, bool streams, int... less>
constexpr std::array<EdgeTile<T>, sizeof...(less)> edge_tiles(std::integer_sequence<int, less...>) {
  return {edge_tile<T, less + 1, vectors, ends, streams>...};
}

}  // namespace detail

/// to (rows, columns) = start + left (rows, length) · right (length, columns), of cached matrices, for any rows and at
/// most a panel of columns. Nothing beyond the columns is read or written, unless `tiles_end_anywhere` is false:
/// then rows of `right` are padded to whole vectors.
/// @param start  may be `to`; with a pitch of 0 it is one row
template <Real T>
void edge_product(SmallOperand<T> left, Index rows, Index length, const VectorRows<const T>& right, Index columns,
                  VectorRows<const T> start, VectorRows<T> to, bool streams = false) {
  static_assert(TileShape::vectors == 2);
  constexpr std::make_integer_sequence<int, TileShape::rows> counts;
  // Whole vectors have separate kernels: masks are free in the first-level cache, but not beyond it.
  static constexpr std::array kernels{
      detail::edge_tiles<T, 1, true, false>(counts), detail::edge_tiles<T, 2, true, false>(counts),
      detail::edge_tiles<T, 2, false, false>(counts), detail::edge_tiles<T, 2, true, true>(counts)};
  const bool two = columns > lanes<T>;
  const auto& tiles = kernels[!two ? 0 : streams ? 3 : columns == panel_columns<T> ? 2 : 1];
  const Index last = two ? columns - lanes<T> : columns;
  // Tiles of about the same number of rows: a single row would be bound by the latency of its sums.
  for (Index strips = quotient_up(rows, Index{TileShape::rows}); strips > 0; --strips) {
    const Index some = quotient_up(rows, strips);
    tiles[static_cast<std::size_t>(some - 1)](left, length, right, last, start, to);
    left = left.below(some), start = start.below(some), to = to.below(some), rows -= some;
  }
}

}  // namespace flipbook::cpu
