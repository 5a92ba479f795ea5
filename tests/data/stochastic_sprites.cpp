// SPDX-License-Identifier: MIT
#include <flipbook/data/stochastic_sprites.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace flipbook;

static_assert(Dataset<StochasticSprites> && !FiniteDataset<StochasticSprites>);

namespace {

Tensor<std::uint8_t> bright_images(Index k, Index h, Index w) {
  Tensor<std::uint8_t> images({k, h, w});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(100 + i * 37 % 156);
  return images;
}

}  // namespace

TEST_CASE("a point moves straight until it meets a wall, and then away from it at a velocity drawn anew") {
  constexpr Index free = 36, fastest = 4;
  Rng rng{3};
  std::array<int, 5> away{};
  std::array<int, 9> along{};
  int walls = 0;
  for (int walk = 0; walk < 400; ++walk) {
    auto point = StochasticPoint::draw(rng, free, fastest);
    for (int t = 0; t < 100; ++t) {
      const auto before = point;
      point.move(rng, free, fastest);
      REQUIRE((point.x >= 0 && point.x < free && point.y >= 0 && point.y < free));
      const bool x_wall = before.x + before.vx < 0 || before.x + before.vx >= free;
      const bool y_wall = before.y + before.vy < 0 || before.y + before.vy >= free;
      if (!x_wall && !y_wall) {
        REQUIRE((point.x == before.x + before.vx && point.y == before.y + before.vy));
        REQUIRE((point.vx == before.vx && point.vy == before.vy));
      } else if (x_wall && !y_wall) {
        REQUIRE(point.x == (before.vx < 0 ? 0 : free - 1));
        REQUIRE((before.vx < 0) == (point.vx > 0));
        ++away.at(static_cast<std::size_t>(std::abs(point.vx)));
        ++along.at(static_cast<std::size_t>(point.vy + fastest));
        ++walls;
      }
    }
  }
  REQUIRE(walls > 1000);
  CHECK(away[0] == 0);
  for (std::size_t speed = 1; speed < 5; ++speed) CHECK(std::abs(away[speed] - walls / 4.0) < 0.15 * walls / 4.0);
  for (const int count : along) CHECK(std::abs(count - walls / 9.0) < 0.25 * walls / 9.0);
}

TEST_CASE("velocities are drawn evenly at the beginning") {
  Rng rng{5};
  double sum = 0, squares = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto point = StochasticPoint::draw(rng, 36, 4);
    sum += static_cast<double>(point.vx);
    squares += static_cast<double>(point.vx * point.vx);
  }
  CHECK(std::abs(sum / 4000) < 0.2);
  CHECK(squares / 4000 == doctest::Approx(20.0 / 3).epsilon(0.05));  // of −4 … 4
}

TEST_CASE("a lone sprite is the image itself, wholly inside") {
  const auto images = bright_images(3, 5, 5);
  const StochasticSprites source(images, {.frames = 30, .canvas = 17, .sprites = 1, .seed = 3});
  const auto clip = source.clip(4);
  const auto image = images[source.image(4, 0)];
  double expected = 0;
  for (const std::uint8_t value : image) expected += value / 255.0;
  for (Index t = 0; t < 30; ++t) {
    const auto frame = clip[t];
    double sum = 0;
    for (const float value : frame) sum += value;
    CHECK(sum == doctest::Approx(expected));
  }
}

TEST_CASE("a clip depends on the seed and its index alone, and its first sprites not on the others") {
  const auto images = bright_images(10, 9, 9);
  const StochasticSprites a(images, {.frames = 9, .canvas = 19, .seed = 1}),
      one(images, {.frames = 9, .canvas = 19, .sprites = 1, .seed = 1});
  const auto clip = a.clip(5), first = one.clip(5);
  CHECK(to_vector(clip) == to_vector(StochasticSprites(images, a.options()).clip(5)));
  CHECK(to_vector(clip) != to_vector(a.clip(6)));
  for (Index i = 0; i < clip.size(); ++i) REQUIRE(clip.data()[i] >= first.data()[i]);
}

TEST_CASE("images that leave no way to move are refused") {
  CHECK_THROWS_AS(StochasticSprites(bright_images(1, 64, 64)), Error);
  CHECK_THROWS_AS(StochasticSprites(bright_images(1, 61, 3)), Error);
  CHECK_THROWS_AS(StochasticSprites(bright_images(1, 5, 5), {.fastest = 0}), Error);
}
