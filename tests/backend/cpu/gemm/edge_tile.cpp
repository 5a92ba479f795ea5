// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/edge_tile.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"
#include "reference/tile.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

/// A product of so many rows and columns by the kernel and by its definition; whether they agree, and what lies beside
/// the result is as it was. Beside the operands there is NaN, or nothing.
template <class T>
bool agrees(Index rows, Index length, Index columns, bool transposed, bool streams, Rng& rng) {
  const Index width = cpu::tiles_end_anywhere ? columns : cpu::round_up(columns, cpu::lanes<T>);
  const Index pitch = width + rng.below(3), to_pitch = columns + rng.below(3);
  const auto left = drawn<T>(std::max(rows * length, Index{1}), rng), row = drawn<T>(columns, rng);
  auto right = reference::poisoned<T>(length == 0 ? 0 : (length - 1) * pitch + width);
  for (Index p = 0; p < length; ++p) {
    for (Index j = 0; j < columns; ++j) right[static_cast<std::size_t>(p * pitch + j)] = static_cast<T>(rng.normal());
  }
  const auto before = drawn<T>(rows == 0 ? 0 : (rows - 1) * to_pitch + columns, rng);
  auto to = before;
  const bool accumulate = rng.below(2) == 0;
  const cpu::VectorRows<T> result{to.data(), to_pitch};
  const cpu::VectorRows<const T> values{to.data(), to_pitch}, one_row{row.data(), 0};
  const cpu::SmallOperand<T> straight{left.data(), transposed ? rows : length, 1};
  cpu::edge_product<T>(transposed ? straight.transposed() : straight, rows, length, {right.data(), pitch}, columns,
                       accumulate ? values : one_row, result, streams);
  const double units = 16 + 4 * double(length);
  return reference::fills_tile(to, before, to_pitch, rows, columns, units, [&](Index i, Index j) {
    double sum =
        double(accumulate ? before[static_cast<std::size_t>(i * to_pitch + j)] : row[static_cast<std::size_t>(j)]);
    for (Index p = 0; p < length; ++p) {
      sum += double(left[static_cast<std::size_t>(transposed ? p * rows + i : i * length + p)]) *
             double(right[static_cast<std::size_t>(p * pitch + j)]);
    }
    return sum;
  });
}

}  // namespace

TEST_CASE_TEMPLATE("products of any number of rows and columns are those of the definition", T, float, double) {
  Rng rng{1};
  for (Index columns = 1; columns <= cpu::panel_columns<T>; ++columns) {
    for (int i = 0; i < 20; ++i) {
      const Index rows = rng.below(28), length = rng.below(40);
      const bool transposed = rng.below(2) == 0, streams = rng.below(2) == 0;
      CAPTURE(rows);
      CAPTURE(length);
      CAPTURE(columns);
      CAPTURE(transposed);
      CHECK(agrees<T>(rows, length, columns, transposed, streams, rng));
    }
  }
}
