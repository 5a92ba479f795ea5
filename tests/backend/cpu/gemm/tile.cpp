// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/tile.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "reference/drawn.hpp"
#include "reference/tile.hpp"

using namespace flipbook;
using cpu::PanelKind;
using cpu::TileShape;

namespace {

enum class Start { zero, row, values };  // what a tile begins with

/// A tile of runs that lie apart, by the kernel and by its definition; whether they agree, and the row and the number
/// beside it are as they were.
template <class T>
bool agrees(PanelKind kind, int rows, Index columns, Index step, Start start, Rng& rng) {
  const bool by_columns = kind == PanelKind::columns;
  const Index width = by_columns ? (columns + cpu::lanes<T> - 1) / cpu::lanes<T> * cpu::lanes<T> : columns;
  const Index depth = 71, pitch = cpu::panel_columns<T> + 3;
  const auto left = reference::drawn<T>(TileShape::max_rows * depth * step, rng);
  const auto right = reference::drawn<T>(depth * width, rng), first = reference::drawn<T>(width, rng);
  const auto before = reference::drawn<T>((rows + 1) * pitch, rng);
  auto to = before;

  std::vector<cpu::Run<T>> runs;  // all of the depth but numbers 20 and 40
  for (const auto& [k, length] : {std::pair<Index, Index>{0, 20}, {21, 19}, {41, 30}}) {
    cpu::Run<T> run;
    run.k = k, run.length = length;
    for (int i = 0; i < TileShape::max_rows; ++i) {
      run.rows[static_cast<std::size_t>(i)] = left.data() + (std::min(i, rows - 1) * depth + k) * step;
    }
    runs.push_back(run);
  }
  cpu::TileTarget<T> target;
  for (int i = 0; i < TileShape::max_rows; ++i) {
    target.rows[static_cast<std::size_t>(i)] = to.data() + std::min(i, rows - 1) * pitch;
  }
  target.load = start == Start::values, target.start = start == Start::row ? first.data() : nullptr;
  const cpu::Panel<T> panel{kind, right.data(), by_columns ? width : depth, columns};
  cpu::multiply_tile(runs.data(), static_cast<Index>(runs.size()), step, panel, rows, target);

  return reference::fills_tile(to, before, pitch, rows, columns, 300, [&](Index i, Index j) {
    double sum = 0;
    if (start == Start::row) sum = double(first[static_cast<std::size_t>(j)]);
    if (start == Start::values) sum = double(before[static_cast<std::size_t>(i * pitch + j)]);
    for (Index p = 0; p < depth; ++p) {
      if (p == 20 || p == 40) continue;
      const Index of_right = by_columns ? p * width + j : j * depth + p;
      sum += double(left[static_cast<std::size_t>((i * depth + p) * step)]) *
             double(right[static_cast<std::size_t>(of_right)]);
    }
    return sum;
  });
}

}  // namespace

TEST_CASE_TEMPLATE("tiles of every size agree with their definition, whatever they begin with", T, float, double) {
  Rng rng{1};
  for (const Start start : {Start::zero, Start::row, Start::values}) {
    CAPTURE(static_cast<int>(start));
    for (int rows = 1; rows <= TileShape::rows; ++rows) {
      CAPTURE(rows);
      for (Index columns = 1; columns <= cpu::panel_columns<T>; ++columns) {
        CAPTURE(columns);
        CHECK(agrees<T>(PanelKind::columns, rows, columns, 1, start, rng));
        CHECK(agrees<T>(PanelKind::columns, rows, columns, 3, start, rng));
      }
    }
    for (int rows = 1; rows <= TileShape::dot_rows; ++rows) {
      for (Index columns = 1; columns <= TileShape::dot_columns; ++columns) {
        CAPTURE(rows);
        CAPTURE(columns);
        CHECK(agrees<T>(PanelKind::reduction, rows, columns, 1, start, rng));
      }
    }
  }
}
