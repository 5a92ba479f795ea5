// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cuda/reduce/columns.hpp>
#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// out[i, p] = Σ of part p of row i, of `width` numbers: parts of plan.n, the last one of the rest.
template <int N, class T, class To>
__global__ void __launch_bounds__(RowPlan::most_threads)
    sum_row_parts(RowPlan plan, Index width, Index parts, const T* x, To* out) {
  RowThread<N> thread(plan);
  const Index row = thread.row / parts, first = thread.row % parts * plan.n;
  if (width - first < thread.n) thread.n = width - first;
  const T* const from = x + row * width + first;
  const auto sum = thread.template sum_of<Wide<T>>([from](Index i) {
    const Pack<T, N> v = load<N>(from + i);
    Wide<T> together(0);
#pragma unroll
    for (int j = 0; j < N; ++j) together += static_cast<Wide<T>>(v.lane[j]);
    return together;
  });
  if (thread.inside && thread.lane == 0) out[thread.row] = static_cast<To>(sum);
}

/// out[i, p, j] = Σ x[i, r, j] over the rows r of piece p of the plan.
template <int N, class T, class To>
__global__ void sum_column_pieces(ColumnPlan plan, const T* x, To* out) {
  __shared__ Wide<T> sums[ColumnPlan::threads * N];
  const ColumnThread<N> thread(plan);
  Pack<Wide<T>, N> sum{};
  thread.each([&](Index, Index place) {
    const Pack<T, N> v = load<N>(x + place);
#pragma unroll
    for (int j = 0; j < N; ++j) sum.lane[j] += static_cast<Wide<T>>(v.lane[j]);
  });
  const unsigned across = blockDim.x;
#pragma unroll
  for (int j = 0; j < N; ++j) sums[(j * blockDim.y + threadIdx.y) * across + threadIdx.x] = sum.lane[j];
  __syncthreads();
  if (threadIdx.y != 0 || !thread.inside) return;
  for (int j = 0; j < N; ++j) {
    Wide<T> total(0);
    for (unsigned y = 0; y < blockDim.y; ++y) total += sums[(j * blockDim.y + y) * across + threadIdx.x];
    out[(thread.outer * plan.pieces + thread.piece) * plan.columns + thread.column + j] = static_cast<To>(total);
  }
}

namespace detail {

// A row is cut into parts of so many numbers, each of which is one block's work at most.
inline constexpr Index row_part = Index{1} << 15;

template <class T, class To>
void sum_rows(Index rows, Index width, const T* x, To* out) {
  const Index parts = std::max<Index>(1, (width + row_part - 1) / row_part);
  const auto run = [&](auto* to) {
    with_packs<T>(
        width,
        [&]<int N>() {
          const RowPlan plan(rows * parts, std::min(width, row_part), N);
          launch_rows(sum_row_parts<N, T, std::remove_pointer_t<decltype(to)>>, plan, width, parts, x, to);
        },
        x);
  };
  if (parts == 1) return run(out);
  const Scratch<Wide<T>> partial(rows * parts);
  run(partial.data());
  sum_rows<Wide<T>>(rows, parts, partial.data(), out);
}

template <class T, class To>
void sum_columns(ColumnPlan plan, const T* x, To* out) {
  with_packs<T>(
      plan.columns,
      [&]<int N>() {
        ColumnPlan packed(plan.outer, plan.rows, plan.columns, N);
        packed.pieces = plan.pieces, packed.height = plan.height;
        launch(sum_column_pieces<N, T, To>, packed.grid(), packed.block(), 0, packed, x, out);
      },
      x);
}

}  // namespace detail

/// out[i, j] = Σ_r x[i, r, j], x seen as (outer, reduced, inner), in Wide<T>. Sums run in an order fixed by the
/// extents, so the result is the same from run to run.
template <class T, class To>
void sum_middle(Index outer, Index reduced, Index inner, const T* x, To* out) {
  if (inner == 1) return detail::sum_rows(outer, reduced, x, out);
  ColumnPlan plan(outer, reduced, inner, 1);
  if (plan.pieces <= 1) {
    plan.pieces = 1;  // also of no rows, whose sum is 0
    return detail::sum_columns(plan, x, out);
  }
  const Scratch<Wide<T>> partial(outer * plan.pieces * inner);
  detail::sum_columns(plan, x, partial.data());
  ColumnPlan last(outer, plan.pieces, inner, 1);
  last.pieces = 1, last.height = plan.pieces;
  detail::sum_columns(last, std::as_const(partial).data(), out);
}

}  // namespace flipbook::cuda
