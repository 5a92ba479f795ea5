// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <utility>

#include <flipbook/backend/cpu/gemm/tile.hpp>
#include <flipbook/backend/cpu/runtime/rounding.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// `count` steps of a reduction, with the offsets of the first one in the left and the right operand.
struct Steps {
  Index left, right, count;
};

/// Operands of tiles whose rows and steps are evenly spaced: a tile needs few pointers, and only registers limit its
/// height. Element (i, p) of a run is at left + run.left + i·row + p·step, and the vectors that it is multiplied by are
/// at right + run.right + p·right_step.
template <Multiplicand F>
struct AffineOperands {
  const F* left;
  Index row, step;
  const F* right;
  Index right_step;
};

/// Rows of the result at a distance of `pitch`, and their initial values: one row for all if `start_pitch` is 0.
template <Real T>
struct AffineTarget {
  T* to;
  Index pitch;
  const T* start;
  Index start_pitch;
};

/// Maximum number of rows of a tile with this number of vectors.
template <int vectors>
inline constexpr int most_affine_rows = vectors == 1 ? TileShape::registers / 2 : (TileShape::registers - 4) / vectors;

namespace detail {

/// Keeps the compiler from computing a pointer from another one, which would take a register for each row.
template <class P>
void keep_apart([[maybe_unused]] P& pointer) {
#if defined(__GNUC__) && defined(__x86_64__)
  asm("" : "+r"(pointer));
#endif
}

/// The last vector of a panel's row, which may be partial if masked loads are fast.
template <Multiplicand F>
Simd<Sum<F>> load_last(const F* from, [[maybe_unused]] Index count) {
  if constexpr (masked_vectors && Real<F>) return load_part(from, count);
  else return cpu::load<F>(from);
}

/// Adds one step at a time, from pointers that each address `together` rows, the limit of an addressing mode.
template <Multiplicand F, int rows>
struct AffineRows {
  static constexpr int together = 3, pointers = (rows + together - 1) / together;
  const F* from[pointers];
  Index row, step;

  AffineRows(const F* first, Index between_rows, Index between_steps) : row(between_rows), step(between_steps) {
    FLIPBOOK_UNROLL
    for (int k = 0; k < pointers; ++k) from[k] = first + together * k * row;
  }
  template <int vectors, class V>
  [[gnu::always_inline]] void add_step(const F* right, Index last, V (&sum)[rows][vectors]) {
    V column[vectors];
    FLIPBOOK_UNROLL
    for (int j = 0; j + 1 < vectors; ++j) column[j] = cpu::load<F>(right + j * lanes<Sum<F>>);
    column[vectors - 1] = load_last(right + (vectors - 1) * lanes<Sum<F>>, last);
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) {
      const V x = broadcast(from[i / together][i % together * row]);
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) sum[i][j] = add_product<F>(x, column[j], sum[i][j]);
    }
    FLIPBOOK_UNROLL
    for (int k = 0; k < pointers; ++k) {
      from[k] += step;
      keep_apart(from[k]);
    }
  }
};

/// to[i][j] = start[i][j] + Σ_runs Σ_p left(i, p) · right(p, j); the last vector has `last` columns of the result.
template <Multiplicand F, int rows, int vectors>
void affine_tile(const AffineOperands<F>& operands, std::span<const Steps> runs, const AffineTarget<Sum<F>>& target,
                 Index last) {
  using T = Sum<F>;
  using V = Simd<T>;
  constexpr int chains = rows * vectors <= 8 ? 2 : 1;  // few sums would wait for their own latency
  const bool whole = last == lanes<T>;
  V sum[chains][rows][vectors];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    const T* const start = target.start + i * target.start_pitch;
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) {
      const bool all = j + 1 < vectors || whole;
      sum[0][i][j] = all ? V::load_unaligned(start + j * lanes<T>) : load_part(start + j * lanes<T>, last);
      if constexpr (chains > 1) sum[1][i][j] = V(T(0));
    }
  }
  const Index right_step = operands.right_step;
  for (const Steps& run : runs) {
    AffineRows<F, rows> left(operands.left + run.left, operands.row, operands.step);
    const F* right = operands.right + run.right;
    Index count = run.count;
    if constexpr (chains > 1) {
      for (; count > 1; count -= 2, right += 2 * right_step) {
        left.add_step(right, last, sum[0]);
        left.add_step(right + right_step, last, sum[1]);
      }
    }
    for (; count > 0; --count, right += right_step) left.add_step(right, last, sum[0]);
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    T* const to = target.to + i * target.pitch;
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) {
      V all = sum[0][i][j];
      if constexpr (chains > 1) all += sum[1][i][j];
      if (j + 1 < vectors || whole) all.store_unaligned(to + j * lanes<T>);
      else store_part(all, to + j * lanes<T>, last);
    }
  }
}

template <Multiplicand F>
using AffineTile = void (*)(const AffineOperands<F>&, std::span<const Steps>, const AffineTarget<Sum<F>>&, Index);

template <Multiplicand F, int vectors, int... less>
constexpr std::array<AffineTile<F>, sizeof...(less)> affine_tiles(std::integer_sequence<int, less...>) {
  return {affine_tile<F, less + 1, vectors>...};
}

}  // namespace detail

/// Approximate cost of a step of the product of `rows` × `columns`, in halves of vector operations, as measured: a tile
/// of one vector waits for its loads, a tile of few rows for its sums.
template <Multiplicand F>
constexpr Index affine_cost(Index rows, Index columns) {
  const Index vectors = quotient_up(columns, lanes<Sum<F>>), strips = quotient_up(rows, Index{most_affine_rows<1>});
  const Index two = std::max(2 * rows, 7 * quotient_up(rows, Index{most_affine_rows<2>})), one = rows + 3 * strips;
  return vectors / 2 * two + vectors % 2 * one;
}

/// The product of any number of rows, in tiles of about equal height, with up to a panel of columns.
template <Multiplicand F>
void affine_product(AffineOperands<F> operands, std::span<const Steps> runs, Index rows, Index columns,
                    AffineTarget<Sum<F>> target) {
  static_assert(TileShape::vectors == 2);
  constexpr int most[] = {most_affine_rows<1>, most_affine_rows<2>};
  static constexpr auto one = detail::affine_tiles<F, 1>(std::make_integer_sequence<int, most[0]>{});
  static constexpr auto two = detail::affine_tiles<F, 2>(std::make_integer_sequence<int, most[1]>{});
  const bool wide = columns > lanes<Sum<F>>;
  const detail::AffineTile<F>* const tiles = wide ? two.data() : one.data();
  const Index last = wide ? columns - lanes<Sum<F>> : columns;
  for (Index strips = quotient_up(rows, Index{most[wide ? 1 : 0]}); strips > 0; --strips) {
    const Index some = quotient_up(rows, strips);
    tiles[some - 1](operands, runs, target, last);
    operands.left += some * operands.row, target.to += some * target.pitch;
    target.start += some * target.start_pitch, rows -= some;
  }
}

}  // namespace flipbook::cpu
