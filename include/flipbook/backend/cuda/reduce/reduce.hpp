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

/// Writes the sum of a row to an array.
template <class To>
struct RowSums {
  To* out;
  template <class A>
  __device__ void operator()(Index row, A sum) const {
    out[row] = static_cast<To>(sum);
  }
};

/// Calls put(i, scale · Σ f(x) over row i) for rows of `width` elements, in parts of plan.n; the last may be shorter.
/// If there are several parts, a block sums each to `sums`, and the last block of a row adds these.
template <int N, class F, class T, class Put>
__global__ void __launch_bounds__(RowPlan::most_threads)
    sum_row_parts(RowPlan plan, Index width, Index parts, F f, const T* x, Wide<T> scale, Wide<T>* sums,
                  unsigned* tickets, Put put) {
  RowThread<N> thread(plan);
  const Index row = thread.row / parts, first = thread.row % parts * plan.n;
  if (width - first < thread.n) thread.n = width - first;
  const T* const from = x + row * width + first;
  auto sum = thread.template sum_of<Wide<T>>([from, f](Index i) {
    const Pack<T, N> v = load<N>(from + i);
    Wide<T> together(0);
#pragma unroll
    for (int j = 0; j < N; ++j) together += f(static_cast<Wide<T>>(v.lane[j]));
    return together;
  });
  if (parts > 1) {
    if (thread.lane == 0) sums[thread.row] = sum;
    if (!last_block(tickets + row, parts)) return;
    sum = 0;
    for (Index part = thread.lane; part < parts; part += thread.threads) sum += __ldcg(sums + row * parts + part);
    sum = thread.sum(sum);
  }
  if (thread.inside && thread.lane == 0) put(row, sum * scale);
}

/// The elements of an array, for sum_columns.
template <class T>
struct Lying {
  using Scalar = T;
  const T* x;
  template <int N>
  __device__ Pack<T, N> take(Index place, Index) const {
    return load<N>(x + place);
  }
};

/// out[i, j] = scale · Σ_r x[i, r, j], where x.take(place, j) gives N elements. If rows are split into pieces, blocks
/// write partial sums to `sums` (outer, pieces, columns), and the last block of each strip adds these.
template <int N, class X, class To, class T = typename X::Scalar>
__global__ void sum_columns(ColumnPlan plan, X x, Wide<T> scale, Wide<T>* sums, unsigned* tickets, To* out) {
  const ColumnThread<N> thread(plan);
  Wide<T> sum[N] = {};
  thread.each([&](Index, Index place) {
    const Pack<T, N> v = x.template take<N>(place, thread.column);
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

// The length of the parts of a row, each summed by one block.
inline constexpr Index row_part = Index{1} << 15;

template <class F, class T, class Put>
void sum_rows_into(Index rows, Index width, const F& f, const T* x, const Put& put, double scale = 1) {
  const Index parts = std::max<Index>(1, (width + row_part - 1) / row_part);
  const Scratch<Wide<T>> sums(parts > 1 ? rows * parts : 0);
  with_packs<T>(
      width,
      [&]<int N>() {
        const RowPlan plan(rows * parts, std::min(width, row_part), N);
        launch_rows(sum_row_parts<N, F, T, Put>, plan, width, parts, f, x, static_cast<Wide<T>>(scale), sums.data(),
                    queue().tickets, put);
      },
      x);
}

template <class F, class T, class To>
void sum_rows(Index rows, Index width, const F& f, const T* x, To* out, double scale = 1) {
  constexpr Index most = Queue::most_tickets;
  for (; width > row_part && rows > most; rows -= most, x += most * width, out += most)
    sum_rows_into(most, width, f, x, RowSums<To>{out}, scale);
  sum_rows_into(rows, width, f, x, RowSums<To>{out}, scale);
}

template <class X, class To, class T = typename X::Scalar, class... P>
void sum_columns_of(Index outer, Index reduced, Index inner, const X& x, To* out, double scale, const P*... each) {
  const ColumnPlan plan(outer, reduced, inner, 1);
  const Scratch<Wide<T>> sums(plan.cut() ? outer * plan.pieces * inner : 0);
  with_packs<T>(
      inner,
      [&]<int N>() {
        ColumnPlan packed(outer, reduced, inner, N);
        packed.pieces = std::max<Index>(1, plan.pieces), packed.height = plan.height;  // one also of no rows: sum 0
        launch(sum_columns<N, X, To>, packed.grid(), packed.block(), 0, packed, x, static_cast<Wide<T>>(scale),
               sums.data(), queue().tickets, out);
      },
      each...);
}

}  // namespace detail

/// out[i, j] = scale · Σ_r x[i, r, j], with x viewed as (outer, reduced, inner), in Wide<T>. The extents fix the order
/// of the sums, so that results are reproducible.
template <class T, class To>
void sum_middle(Index outer, Index reduced, Index inner, const T* x, To* out, double scale = 1) {
  if (inner == 1) return detail::sum_rows(outer, reduced, Unchanged{}, x, out, scale);
  detail::sum_columns_of(outer, reduced, inner, Lying<T>{x}, out, scale, x);
}

/// out = scale · Σ f(x) over `size` elements, in Wide<T>.
template <class F, class T, class To>
void sum_of(Index size, const F& f, const T* x, To* out, double scale = 1) {
  detail::sum_rows(1, size, f, x, out, scale);
}

/// Calls put(0, Σ x² over `size` elements) once.
template <class T, class Put>
void sum_squares_into(Index size, const T* x, const Put& put) {
  detail::sum_rows_into(1, size, Squared{}, x, put);
}

/// out = Σ x² over `size` elements.
template <class T, class To>
void sum_squares(Index size, const T* x, To* out) {
  sum_squares_into(size, x, RowSums<To>{out});
}

/// The gradient of f(v), v = x + b along the last axis, which is written to dx while its columns are summed.
template <class F, class T>
struct ColumnDerivative {
  using Scalar = T;
  F f;
  const T *dy, *x, *b;
  T* dx;

  template <int N>
  __device__ Pack<T, N> take(Index place, Index column) const {
    const Pack<T, N> d = load<N>(dy + place), v = load<N>(x + place);
    Pack<T, N> result;
#pragma unroll
    for (int j = 0; j < N; ++j) {
      Wide<T> at = static_cast<Wide<T>>(v.lane[j]);
      if (b != nullptr) at += static_cast<Wide<T>>(b[column + j]);
      result.lane[j] = static_cast<T>(f(static_cast<Wide<T>>(d.lane[j]), at));
    }
    store(result, dx + place);
    return result;
  }
};

/// dx[i, j] = f(dy[i, j], x[i, j] + b[j]) and db[j] = Σ_i dx[i, j], of matrices (rows, columns); a null b is 0.
template <class F, class T>
void map_and_sum_columns(Index rows, Index columns, const F& f, const T* dy, const T* x, const T* b, T* dx, T* db) {
  detail::sum_columns_of(1, rows, columns, ColumnDerivative<F, T>{f, dy, x, b, dx}, db, 1, dy, x, dx);
}

}  // namespace flipbook::cuda
