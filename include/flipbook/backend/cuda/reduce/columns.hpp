// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The blocks for `outer` matrices of rows × columns. A matrix is split into pieces of whole rows and strips of
/// columns; a block reads one strip of one piece, and a thread one pack of its columns.
struct ColumnPlan {
  static constexpr int threads = 256;
  Index outer, rows, columns;
  int across;                    ///< threads along a row, a power of two; the block's other threads read other rows
  Index strips, pieces, height;  ///< strips of columns; pieces of rows, and rows of a piece

  ColumnPlan(Index matrices, Index row_count, Index column_count, int pack)
      : outer(matrices), rows(row_count), columns(column_count) {
    const Index packs = std::max<Index>(1, columns / pack);
    across = static_cast<int>(std::bit_ceil(static_cast<std::uint64_t>(std::min<Index>(packs, 32))));
    strips = (packs + across - 1) / across;
    const Index least = Index{8} * (threads / across);                   // rows worth a block
    const Index most = std::max<Index>(1, 2048 / (outer * strips + 1));  // pieces that keep a device busy
    height = std::max(least, (rows + most - 1) / most);
    pieces = (rows + height - 1) / height;
  }
  dim3 block() const { return dim3(static_cast<unsigned>(across), static_cast<unsigned>(threads / across)); }
  dim3 grid() const { return grid_of(outer * strips * pieces); }
  __host__ __device__ Index rows_of(Index piece) const {
    return (piece + 1) * height < rows ? height : rows - piece * height;
  }
  /// Whether there are several pieces. There are then fewer strips than tickets.
  __host__ __device__ bool cut() const { return pieces > 1; }
  Index tickets() const { return outer * strips; }
};

/// A thread's rows of matrix `outer`, from `first` to `last` in steps of `step`; its pack begins at `column`.
template <int N>
struct ColumnThread {
  Index outer, piece, column, first, last, columns, step;
  Index matrix;  ///< where the matrix begins
  Index ticket;  ///< shared by the blocks with the same columns
  bool inside;   ///< whether the column exists

  __device__ explicit ColumnThread(const ColumnPlan& plan) {
    const Index block = blockIdx.x, strip = block % plan.strips;
    piece = block / plan.strips % plan.pieces;
    outer = block / plan.strips / plan.pieces;
    ticket = outer * plan.strips + strip;
    column = (strip * plan.across + threadIdx.x) * N;
    columns = plan.columns, step = blockDim.y, matrix = outer * plan.rows * columns;
    inside = column < columns;
    first = piece * plan.height + threadIdx.y;
    const Index end = (piece + 1) * plan.height;
    last = !inside ? first : end < plan.rows ? end : plan.rows;
  }
  __device__ static int place_in_block() { return static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x); }
  /// Calls body(piece) for this thread's share of all pieces.
  template <class Body>
  __device__ void each_piece(const ColumnPlan& plan, const Body& body) const {
    for (Index other = threadIdx.y; inside && other < plan.pieces; other += blockDim.y) body(other);
  }
  /// Sums v over the threads with the same columns; the result is bitwise the same in all of them.
  template <class A, int K>
  __device__ static void sum_below(A (&v)[K]) {
    __shared__ A all[K * ColumnPlan::threads];
    const int me = place_in_block();
    __syncthreads();  // before `all` is used again
#pragma unroll
    for (int k = 0; k < K; ++k) all[k * ColumnPlan::threads + me] = v[k];
    for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
      __syncthreads();
      if (threadIdx.y >= half) continue;
#pragma unroll
      for (int k = 0; k < K; ++k) {
        A* const own = all + k * ColumnPlan::threads + me;
        own[0] += own[half * blockDim.x];
      }
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < K; ++k) v[k] = all[k * ColumnPlan::threads + static_cast<int>(threadIdx.x)];
  }
  /// Calls body(row, place) for every row of this thread, whose pack is at offset `place`.
  template <class Body>
  __device__ void each(const Body& body) const {
#pragma unroll 4
    for (Index row = first; row < last; row += step) body(row, matrix + row * columns + column);
  }
};

}  // namespace flipbook::cuda
