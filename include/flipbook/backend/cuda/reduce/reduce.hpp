// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cuda/reduce/columns.hpp>
#include <flipbook/backend/cuda/reduce/rows.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

struct Unchanged {
  template <class A>
  constexpr A operator()(A x) const {
    return x;
  }
};
struct Squared {
  template <class A>
  constexpr A operator()(A x) const {
    return x * x;
  }
};

/// out[i] = scale · Σ f(x) over row i, of `width` numbers in parts of plan.n, the last one of the rest. Where there are
/// several, each is a block's, and the last block of a row adds up what all of them have left in `sums`.
template <int N, class F, class T, class To>
__global__ void __launch_bounds__(RowPlan::most_threads)
    sum_row_parts(RowPlan plan, Index width, Index parts, const T* x, Wide<T> scale, Wide<T>* sums, unsigned* tickets,
                  To* out) {
  RowThread<N> thread(plan);
  const Index row = thread.row / parts, first = thread.row % parts * plan.n;
  if (width - first < thread.n) thread.n = width - first;
  const T* const from = x + row * width + first;
  auto sum = thread.template sum_of<Wide<T>>([from](Index i) {
    const Pack<T, N> v = load<N>(from + i);
    Wide<T> together(0);
#pragma unroll
    for (int j = 0; j < N; ++j) together += F{}(static_cast<Wide<T>>(v.lane[j]));
    return together;
  });
  if (parts > 1) {
    if (thread.lane == 0) sums[thread.row] = sum;
    if (!last_block(tickets + row, parts)) return;
    sum = 0;
    for (Index part = thread.lane; part < parts; part += thread.threads) sum += __ldcg(sums + row * parts + part);
    sum = thread.sum(sum);
  }
  if (thread.inside && thread.lane == 0) out[row] = static_cast<To>(sum * scale);
}

/// out[i, j] = scale · Σ x[i, r, j]; where rows are cut into pieces, by the last block of each strip, from what all of
/// them have left in `sums`, (outer, pieces, columns).
template <int N, class T, class To>
__global__ void sum_columns(ColumnPlan plan, const T* x, Wide<T> scale, Wide<T>* sums, unsigned* tickets, To* out) {
  const ColumnThread<N> thread(plan);
  Wide<T> sum[N] = {};
  thread.each([&](Index, Index place) {
    const Pack<T, N> v = load<N>(x + place);
#pragma unroll
    for (int j = 0; j < N; ++j) sum[j] += static_cast<Wide<T>>(v.lane[j]);
  });
  thread.sum_below(sum);
  const bool writes = threadIdx.y == 0 && thread.inside;
  if (plan.cut()) {
    Wide<T>* const own = sums + thread.outer * plan.pieces * plan.columns + thread.column;
    for (int j = 0; writes && j < N; ++j) own[thread.piece * plan.columns + j] = sum[j];
    if (!last_block(tickets + thread.ticket, plan.pieces)) return;
    for (int j = 0; j < N; ++j) sum[j] = 0;
    thread.each_piece(plan, [&](Index piece) {
#pragma unroll
      for (int j = 0; j < N; ++j) sum[j] += __ldcg(own + piece * plan.columns + j);
    });
    thread.sum_below(sum);
  }
  To* const to = out + thread.outer * plan.columns + thread.column;
  for (int j = 0; writes && j < N; ++j) to[j] = static_cast<To>(sum[j] * scale);
}

namespace detail {

// A row is cut into parts of so many numbers, each of which is one block's work.
inline constexpr Index row_part = Index{1} << 15;

template <class F, class T, class To>
void sum_rows(Index rows, Index width, const T* x, To* out, double scale = 1) {
  const Index parts = std::max<Index>(1, (width + row_part - 1) / row_part);
  constexpr Index most = Queue::most_tickets;
  for (; parts > 1 && rows > most; rows -= most, x += most * width, out += most)
    sum_rows<F>(most, width, x, out, scale);
  const Scratch<Wide<T>> sums(parts > 1 ? rows * parts : 0);
  with_packs<T>(
      width,
      [&]<int N>() {
        const RowPlan plan(rows * parts, std::min(width, row_part), N);
        launch_rows(sum_row_parts<N, F, T, To>, plan, width, parts, x, static_cast<Wide<T>>(scale), sums.data(),
                    queue().tickets, out);
      },
      x);
}

}  // namespace detail

/// out[i, j] = scale · Σ_r x[i, r, j], x seen as (outer, reduced, inner), in Wide<T>. Sums run in an order fixed by the
/// extents, so the result is the same from run to run.
template <class T, class To>
void sum_middle(Index outer, Index reduced, Index inner, const T* x, To* out, double scale = 1) {
  if (inner == 1) return detail::sum_rows<Unchanged>(outer, reduced, x, out, scale);
  const ColumnPlan plan(outer, reduced, inner, 1);
  const Scratch<Wide<T>> sums(plan.cut() ? outer * plan.pieces * inner : 0);
  with_packs<T>(
      inner,
      [&]<int N>() {
        ColumnPlan packed(outer, reduced, inner, N);
        packed.pieces = std::max<Index>(1, plan.pieces), packed.height = plan.height;  // one also of no rows, sum 0
        launch(sum_columns<N, T, To>, packed.grid(), packed.block(), 0, packed, x, static_cast<Wide<T>>(scale),
               sums.data(), queue().tickets, out);
      },
      x);
}

/// out = Σ x² over `size` numbers.
template <class T, class To>
void sum_squares(Index size, const T* x, To* out) {
  detail::sum_rows<Squared>(1, size, x, out);
}

}  // namespace flipbook::cuda
