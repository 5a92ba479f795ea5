// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/tile.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// A cached left operand: element (i, p) at data + i·row + p·step.
template <Real T>
struct SmallOperand {
  const T* data;
  Index row, step;
  SmallOperand below(Index i) const { return {data + i * row, row, step}; }
  SmallOperand transposed() const { return {data, step, row}; }
};

/// A matrix of rows of whole vectors, at a distance of `pitch`.
template <class T>
struct VectorRows {
  T* data;
  Index pitch;
  VectorRows below(Index i) const { return {data + i * pitch, pitch}; }
  VectorRows right(Index j) const { return {data + j, pitch}; }
};

namespace detail {

/// to[i][j] = start[i][j] + Σ_p left[i][p] · right[p][j]
template <Real T, int rows, int vectors>
void small_tile(const SmallOperand<T>& left, Index length, const VectorRows<const T>& right,
                const VectorRows<const T>& start, const VectorRows<T>& to) {
  using V = Simd<T>;
  V sum[rows][vectors];
  const T* from[rows];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    from[i] = left.data + i * left.row;
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) sum[i][j] = V::load_unaligned(start.data + i * start.pitch + j * lanes<T>);
  }
  const T* across = right.data;
  const Index end = length * left.step;
  for (Index at = 0; at < end; at += left.step, across += right.pitch) {
    V column[vectors];
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) column[j] = V::load_unaligned(across + j * lanes<T>);
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      const V x(from[i][at]);
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) sum[i][j] = multiply_add(x, column[j], sum[i][j]);
    }
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) sum[i][j].store_unaligned(to.data + i * to.pitch + j * lanes<T>);
  }
}

/// All tiles of `rows` rows, then the remaining rows in smaller tiles.
template <Real T, int vectors, int rows = TileShape::rows>
void small_strip(SmallOperand<T> left, Index count, Index length, const VectorRows<const T>& right,
                 VectorRows<const T> start, VectorRows<T> to) {
  for (; count >= rows; count -= rows, left = left.below(rows), start = start.below(rows), to = to.below(rows)) {
    small_tile<T, rows, vectors>(left, length, right, start, to);
  }
  if constexpr (rows > 1) {
    constexpr int fewer = rows > TileShape::few_rows ? TileShape::few_rows : rows / 2;
    if (count > 0) small_strip<T, vectors, fewer>(left, count, length, right, start, to);
  }
}

}  // namespace detail

/// to (rows, columns) = start + left (rows, length) · right (length, columns), of cached matrices, without copies; at
/// most a panel of columns, rounded up to whole vectors.
/// @param start  may be `to`; with a pitch of 0 it is one row
template <Real T>
void small_product(const SmallOperand<T>& left, Index rows, Index length, const VectorRows<const T>& right,
                   Index columns, const VectorRows<const T>& start, const VectorRows<T>& to) {
  static_assert(TileShape::vectors == 2);
  if (columns > lanes<T>) detail::small_strip<T, 2>(left, rows, length, right, start, to);
  else detail::small_strip<T, 1>(left, rows, length, right, start, to);
}

/// The same for any number of columns: to = or += left · right.
template <Real T>
void small_product(const SmallOperand<T>& left, Index rows, Index length, const VectorRows<const T>& right,
                   Index columns, const VectorRows<T>& to, bool accumulate) {
  for (Index j = 0; j < columns; j += panel_columns<T>) {
    const VectorRows<T> at = to.right(j);
    const VectorRows<const T> zeros{zero_row<T>.data(), 0}, before{at.data, at.pitch};
    small_product<T>(left, rows, length, right.right(j), columns - j, accumulate ? before : zeros, at);
  }
}

}  // namespace flipbook::cpu
