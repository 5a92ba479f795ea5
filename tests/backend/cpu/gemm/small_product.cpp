// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/gemm/small_product.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"
#include "reference/tile.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

/// A product of so many rows and columns by the kernel and by its definition; whether they agree, and what lies beside
/// the result is as it was.
template <class T>
bool agrees(Index rows, Index length, Index columns, bool transposed, bool accumulate, Rng& rng) {
  const Index width = (columns + cpu::lanes<T> - 1) / cpu::lanes<T> * cpu::lanes<T>;
  const Index left_pitch = (transposed ? rows : length) + rng.below(4), pitch = width + rng.below(4);
  const auto left = drawn<T>((transposed ? length : rows) * left_pitch + 1, rng),
             right = drawn<T>(length * pitch + 1, rng);
  const auto before = drawn<T>((rows + 1) * pitch, rng);
  auto to = before;
  const cpu::SmallOperand<T> straight{left.data(), left_pitch, 1};
  cpu::small_product<T>(transposed ? straight.transposed() : straight, rows, length, {right.data(), pitch}, columns,
                        {to.data(), pitch}, accumulate);
  const double units = 16 + 4 * double(length);
  return reference::fills_tile(to, before, pitch, rows, width, units, [&](Index i, Index j) {
    double sum = accumulate ? double(before[static_cast<std::size_t>(i * pitch + j)]) : 0;
    for (Index p = 0; p < length; ++p) {
      const Index of_left = transposed ? p * left_pitch + i : i * left_pitch + p;
      sum += double(left[static_cast<std::size_t>(of_left)]) * double(right[static_cast<std::size_t>(p * pitch + j)]);
    }
    return sum;
  });
}

}  // namespace

TEST_CASE_TEMPLATE("products of small matrices are those of the definition", T, float, double) {
  Rng rng{1};
  for (int i = 0; i < 300; ++i) {
    const Index rows = rng.below(40), length = rng.below(70), columns = 1 + rng.below(80);
    const bool transposed = rng.below(2) == 0, accumulate = rng.below(2) == 0;
    CAPTURE(rows);
    CAPTURE(length);
    CAPTURE(columns);
    CAPTURE(transposed);
    CAPTURE(accumulate);
    CHECK(agrees<T>(rows, length, columns, transposed, accumulate, rng));
  }
}
