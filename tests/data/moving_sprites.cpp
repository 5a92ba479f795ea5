// SPDX-License-Identifier: MIT
#include <flipbook/data/moving_sprites.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace flipbook;

static_assert(Dataset<MovingSprites> && !FiniteDataset<MovingSprites>);

namespace {

// K images of h × w without a dark pixel, so that a sprite's place can be read off a frame.
Tensor<std::uint8_t> bright_images(Index k, Index h, Index w) {
  Tensor<std::uint8_t> images({k, h, w});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(100 + i * 37 % 156);
  return images;
}

struct Place {
  Index top, left, bottom, right;
};
Place place_of(const Tensor<float>& frame) {  // (H, W, 1)
  Place place{1000, 1000, -1, -1};
  for (Index row = 0; row < frame.extent(0); ++row)
    for (Index column = 0; column < frame.extent(1); ++column)
      if (frame.data()[row * frame.extent(1) + column] > 0)
        place = {std::min(place.top, row), std::min(place.left, column), std::max(place.bottom, row),
                 std::max(place.right, column)};
  return place;
}

}  // namespace

TEST_CASE("a bouncing point follows the original generator's arithmetic") {
  BouncingPoint point{0.95, 0.05, 0.6, -0.8};
  point.move(0.1);  // x would be 1.01 and y −0.03: both stop at their side and turn round
  CHECK(point.x == 1.0);
  CHECK(point.y == 0.0);
  CHECK(point.vx == -0.6);
  CHECK(point.vy == 0.8);
  point.move(0.1);
  CHECK(point.x == doctest::Approx(0.94));
  CHECK(point.y == doctest::Approx(0.08));
}

TEST_CASE("a lone sprite is the image itself, wholly inside, in every frame") {
  const auto images = bright_images(1, 5, 7);
  const MovingSprites source(images, {.frames = 50, .canvas = 17, .sprites = 1, .seed = 3});
  const auto clip = source.clip(4);
  CHECK(clip.shape() == Shape{50, 17, 17, 1});
  bool left = false, right = false;
  for (Index t = 0; t < 50; ++t) {
    const auto frame = clip[t];
    const Place place = place_of(frame);
    REQUIRE(place.bottom - place.top == 4);
    REQUIRE(place.right - place.left == 6);
    left = left || place.left == 0;
    right = right || place.right == 16;
    for (Index row = 0; row < 5; ++row)
      for (Index column = 0; column < 7; ++column)
        REQUIRE(frame.data()[(place.top + row) * 17 + place.left + column] ==
                static_cast<float>(images.data()[row * 7 + column]) / 255);
  }
  CHECK((left || right));
}

TEST_CASE("a sprite moves by the step of the free way per frame, in every direction") {
  const MovingSprites source(bright_images(1, 28, 28), {.frames = 2, .sprites = 1});
  bool east = false, west = false, north = false, south = false;
  for (Index i = 0; i < 100; ++i) {
    const auto clip = source.clip(i);
    const Place a = place_of(clip[0]), b = place_of(clip[1]);
    const auto dx = static_cast<double>(b.left - a.left), dy = static_cast<double>(b.top - a.top);
    const bool bounced = a.top == 0 || a.left == 0 || a.bottom == 63 || a.right == 63 || b.top == 0 || b.left == 0 ||
                         b.bottom == 63 || b.right == 63;
    if (!bounced) CHECK(std::hypot(dx, dy) == doctest::Approx(3.6).epsilon(0.4));
    east = east || dx > 0;
    west = west || dx < 0;
    south = south || dy > 0;
    north = north || dy < 0;
  }
  CHECK((east && west && north && south));
}

TEST_CASE("overlapping sprites show the brighter pixel") {
  const auto images = bright_images(2, 6, 6);
  const MovingSprites::Options pair{.frames = 8, .canvas = 8, .sprites = 2, .seed = 11};
  const auto both = MovingSprites(images, pair).clip(0);
  // The same stream with one sprite gives the first of the two: all that it shows must still be there.
  auto alone = pair;
  alone.sprites = 1;
  const auto first = MovingSprites(images, alone).clip(0);
  bool brighter = false;
  for (Index i = 0; i < both.size(); ++i) {
    REQUIRE(both.data()[i] >= first.data()[i]);
    REQUIRE(both.data()[i] <= 1);
    brighter = brighter || (first.data()[i] > 0 && both.data()[i] > first.data()[i]);
  }
  CHECK(brighter);
}

TEST_CASE("a clip depends on the seed and its index alone") {
  const auto images = bright_images(10, 9, 9);
  const MovingSprites a(images, {.frames = 3, .canvas = 19, .seed = 1}),
      b(images, {.frames = 3, .canvas = 19, .seed = 1});
  const MovingSprites other(images, {.frames = 3, .canvas = 19, .seed = 2});
  a.clip(0);
  CHECK(to_vector(a.clip(5)) == to_vector(b.clip(5)));
  CHECK(to_vector(a.clip(5)) != to_vector(a.clip(6)));
  CHECK(to_vector(a.clip(5)) != to_vector(other.clip(5)));
}

TEST_CASE("a batch is its clips, one after another") {
  const MovingSprites source(bright_images(10, 9, 9), {.frames = 3, .canvas = 19});
  const auto batch = batch_of(source, 4, 3);
  CHECK(batch.shape() == Shape{3, 3, 19, 19, 1});
  for (Index i = 0; i < 3; ++i) CHECK(to_vector(batch[i]) == to_vector(source.clip(4 + i)));
  CHECK(batch_of(source, 0, 0).size() == 0);
}

TEST_CASE("images of numbers in [0, 1] give the same clips as their bytes") {
  const auto bytes = bright_images(3, 4, 4);
  const auto numbers = to_unit(bytes);
  CHECK(to_vector(MovingSprites(bytes).clip(2)) == to_vector(MovingSprites(numbers, {}).clip(2)));
}

TEST_CASE("images that do not fit, and numbers that are none, are refused") {
  CHECK_THROWS_AS(MovingSprites(bright_images(2, 65, 28)), Error);
  CHECK_THROWS_AS(MovingSprites(Tensor<std::uint8_t>({0, 28, 28})), Error);
  CHECK_THROWS_AS(MovingSprites(Tensor<std::uint8_t>(Shape{28, 28})), Error);
  CHECK_THROWS_AS(MovingSprites(bright_images(1, 2, 2), {.sprites = 0}), Error);
  Tensor<float> images({1, 2, 2}, {0, 0, std::numeric_limits<float>::quiet_NaN(), 1});
  try {
    MovingSprites(images, {});
    FAIL("NaN was let in");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("(0, 1, 0)") != std::string::npos);
  }
}

TEST_CASE("a sprite as large as the canvas stays where it is") {
  const auto images = bright_images(1, 3, 3);
  const auto clip = MovingSprites(images, {.frames = 4, .canvas = 3, .sprites = 1}).clip(0);
  for (Index t = 0; t < 4; ++t) CHECK(to_vector(clip[t]) == to_vector(to_unit(images)));
}
