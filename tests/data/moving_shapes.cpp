// SPDX-License-Identifier: MIT
#include <flipbook/data/moving_shapes.hpp>

#include <doctest/doctest.h>

#include <set>

using namespace flipbook;

static_assert(Dataset<MovingShapes>);

TEST_CASE("shapes are coloured, antialiased and inside [0, 1]") {
  const MovingShapes source({.frames = 3, .canvas = 37, .shapes = 3});
  CHECK(source.shape() == Shape{3, 37, 37, 3});
  bool coloured = false, partly = false;
  for (Index i = 0; i < 10; ++i) {
    const auto clip = source.clip(i);
    CHECK(clip.shape() == source.shape());
    for (Index p = 0; p < clip.size() / 3; ++p) {
      const float* pixel = clip.data() + 3 * p;
      const auto [low, high] = std::minmax({pixel[0], pixel[1], pixel[2]});
      REQUIRE(low >= 0);
      REQUIRE(high <= 1);
      coloured = coloured || high - low > 0.9F;
      partly = partly || (high > 0.2F && high < 0.8F);
    }
  }
  CHECK(coloured);
  CHECK(partly);
}

TEST_CASE("a shape covers the area that its outline encloses") {
  // The full colours have a largest channel of 1, so the sum of largest channels is the covered area.
  const double radius = 16;
  const MovingShapes source({.frames = 1, .canvas = 64, .shapes = 1, .smallest = 0.25, .largest = 0.25});
  std::set<int> seen;
  for (Index i = 0; i < 20; ++i) {
    const auto clip = source.clip(i);
    double area = 0;
    for (Index p = 0; p < 64 * 64; ++p) area += *std::max_element(clip.data() + 3 * p, clip.data() + 3 * p + 3);
    const double disc = 3.14159 * radius * radius, square = 2 * radius * radius, triangle = 1.29904 * radius * radius;
    const auto near = [&](double expected) { return std::abs(area - expected) < 0.02 * expected; };
    CHECK((near(disc) || near(square) || near(triangle)));
    seen.insert(near(disc) ? 0 : near(square) ? 1 : 2);
  }
  CHECK(seen.size() == 3);
}

TEST_CASE("shapes move, and a clip depends on the seed and its index alone") {
  const MovingShapes a({.frames = 4, .seed = 5}), b({.frames = 4, .seed = 5}), other({.frames = 4, .seed = 6});
  const auto clip = a.clip(9);
  CHECK(to_vector(clip[0]) != to_vector(clip[1]));
  CHECK(to_vector(clip) == to_vector(b.clip(9)));
  CHECK(to_vector(clip) != to_vector(a.clip(8)));
  CHECK(to_vector(clip) != to_vector(other.clip(9)));
}

TEST_CASE("options that make no picture are refused") {
  CHECK_THROWS_AS(MovingShapes({.frames = 0}), Error);
  CHECK_THROWS_AS(MovingShapes({.smallest = 0.3, .largest = 0.2}), Error);
  CHECK_THROWS_AS(MovingShapes({.largest = 0.6}), Error);
}
