// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/affine_tile.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"
#include "reference/tile.hpp"

using namespace flipbook;

namespace {

/// Whether a product agrees with its definition, and numbers beside the result are as they were.
template <class T>
bool agrees(Index rows, Index columns, Index row, Index step, bool load, Rng& rng) {
  const Index right_step = cpu::round_up(columns, cpu::lanes<T>), pitch = columns + 3, depth = 40;
  const auto left = reference::drawn<T>((rows - 1) * row + depth * step + 1, rng);
  const auto right = reference::drawn<T>(depth * right_step, rng), start = reference::drawn<T>(columns, rng);
  const auto before = reference::drawn<T>((rows + 1) * pitch, rng);
  auto to = before;
  const std::vector<cpu::Steps> runs{{0, 7 * right_step, 4}, {9 * step, 0, 7}, {16 * step, 11 * right_step, 1}};
  const cpu::AffineOperands<T> operands{left.data(), row, step, right.data(), right_step};
  const T* const first = load ? to.data() : start.data();
  cpu::affine_product<T>(operands, runs, rows, columns, {to.data(), pitch, first, load ? pitch : 0});
  return reference::fills_tile(to, before, pitch, rows, columns, 100, [&](Index i, Index j) {
    double sum = double(load ? before[static_cast<std::size_t>(i * pitch + j)] : start[static_cast<std::size_t>(j)]);
    for (const cpu::Steps& run : runs) {
      for (Index p = 0; p < run.count; ++p) {
        sum += double(left[static_cast<std::size_t>(run.left + i * row + p * step)]) *
               double(right[static_cast<std::size_t>(run.right + p * right_step + j)]);
      }
    }
    return sum;
  });
}

}  // namespace

TEST_CASE_TEMPLATE("tiles of evenly spaced rows agree with their definition", T, float, double) {
  Rng rng{1};
  for (Index rows = 1; rows <= 2 * cpu::most_affine_rows<1> + 1; ++rows) {
    for (const Index columns : {Index{1}, cpu::lanes<T> - 1, cpu::lanes<T>, cpu::lanes<T> + 1, cpu::panel_columns<T>}) {
      CAPTURE(rows);
      CAPTURE(columns);
      CHECK(agrees<T>(rows, columns, 1, rows + 2, true, rng));  // as in a weights' gradient
      CHECK(agrees<T>(rows, columns, 5, 1, false, rng));        // as in a convolution
      CHECK(agrees<T>(rows, columns, 3, 7, true, rng));
    }
  }
}
