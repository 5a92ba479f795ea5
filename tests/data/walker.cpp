// SPDX-License-Identifier: MIT
#include <flipbook/data/walker.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace flipbook;

namespace {

struct Extent {
  Index top = 1000, bottom = -1, left = 1000, right = -1;
};

/// Where a walker of 40 pixels, with the feet on row 50, is at a phase.
Extent extent(double phase, double swing, double facing = 1) {
  Rng rng{3};
  const Walker walker = Walker::draw(rng, 40, 50);
  Tensor<float> frame({60, 60, 3});
  paint::fill(frame, Colour{0, 0, 0});
  walker.paint_at(frame, 30, phase, swing, facing);
  Extent where;
  for (Index row = 0; row < 60; ++row)
    for (Index column = 0; column < 60; ++column)
      if (frame.data()[3 * (60 * row + column)] > 0)
        where = {std::min(where.top, row), std::max(where.bottom, row), std::min(where.left, column),
                 std::max(where.right, column)};
  return where;
}

}  // namespace

TEST_CASE("a walker stands on its feet, as tall as asked for") {
  const Extent standing = extent(0.25, 0.45);
  CHECK(std::abs(standing.bottom - 50) <= 3);
  CHECK(std::abs(standing.bottom - standing.top - 40) <= 4);
}

TEST_CASE("legs are furthest apart twice in a stride, and more so in who runs") {
  const auto width = [](double phase, double swing) {
    const Extent where = extent(phase, swing);
    return where.right - where.left;
  };
  CHECK(width(0, 0.45) > width(0.25, 0.45) + 4);
  CHECK(width(0.5, 0.45) == width(0, 0.45));
  CHECK(width(0, 0.85) > width(0, 0.45) + 4);
}

TEST_CASE("a walker that faces the other way is mirrored") {
  const Extent right = extent(0.1, 0.85), left = extent(0.1, 0.85, -1);
  CHECK(right.left + left.right == 59);
  CHECK(right.right + left.left == 59);
  CHECK(right.top == left.top);
}
