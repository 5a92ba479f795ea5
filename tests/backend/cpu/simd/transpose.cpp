// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/simd/transpose.hpp>

#include <limits>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

using flipbook::Index;

TEST_CASE_TEMPLATE("a matrix of any extents is turned, and nothing beside it is touched", T, float, double) {
  for (const Index rows : {0, 1, 2, 7, 8, 16, 17, 35}) {
    for (const Index columns : {0, 1, 3, 4, 8, 16, 31, 33}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const Index pitch = columns + 3, to_pitch = rows + 2;
      std::vector<T> from(static_cast<std::size_t>(rows * pitch + 1));
      std::vector<T> to(static_cast<std::size_t>(columns * to_pitch + 1), T(-1));
      std::iota(from.begin(), from.end(), T(0));
      std::vector<T> wanted = to;
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < columns; ++j) {
          wanted[static_cast<std::size_t>(j * to_pitch + i)] = from[static_cast<std::size_t>(i * pitch + j)];
        }
      }
      flipbook::cpu::transpose(from.data(), pitch, rows, columns, to.data(), to_pitch);
      CHECK(to == wanted);
    }
  }
}
