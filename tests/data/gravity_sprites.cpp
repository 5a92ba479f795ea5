// SPDX-License-Identifier: MIT
#include <flipbook/data/gravity_sprites.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace flipbook;

static_assert(Dataset<GravitySprites> && !FiniteDataset<GravitySprites>);

namespace {

Tensor<std::uint8_t> images() {
  Tensor<std::uint8_t> images({2, 4, 4});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = i < 16 ? 50 : 150;
  return images;
}

GravityBodies three_bodies() {
  return GravityBodies({{0.3, 0.4, 0.2, 0.1, 1}, {0.6, 0.5, -0.1, 0.3, 2}, {0.5, 0.7, 0.3, -0.2, 0.5}}, 0.2, 0.1);
}

/// The furthest that the energy is from its first value within the time 2.
double drift(Index steps) {
  auto world = three_bodies();
  const double start = world.energy();
  double furthest = 0;
  for (Index i = 0; i < steps; ++i) {
    world.step(2.0 / static_cast<double>(steps), false);
    furthest = std::max(furthest, std::abs(world.energy() - start));
  }
  return furthest;
}

}  // namespace

TEST_CASE("the error of the energy shrinks with the square of the step") {
  const double coarse = drift(400), fine = drift(800), finest = drift(1600);
  CHECK(coarse / fine == doctest::Approx(4).epsilon(0.1));
  CHECK(fine / finest == doctest::Approx(4).epsilon(0.05));
}

TEST_CASE("momentum is conserved away from walls") {
  auto world = three_bodies();
  const auto momentum = [&] {
    double x = 0, y = 0;
    for (const auto& body : world.bodies()) x += body.mass * body.vx, y += body.mass * body.vy;
    return std::pair{x, y};
  };
  const auto [x, y] = momentum();
  for (int i = 0; i < 100; ++i) world.step(0.02, false);
  CHECK(momentum().first == doctest::Approx(x).epsilon(1e-12));
  CHECK(momentum().second == doctest::Approx(y).epsilon(1e-12));
  CHECK(world.bodies()[0].vx != doctest::Approx(0.2));
}

TEST_CASE("two bodies circle each other in the time that their masses say") {
  // Equal masses m at distance d, without softening: ω² = 2 G m / d³.
  const double d = 0.4, gravity = 0.01, omega = std::sqrt(2 * gravity / (d * d * d)), speed = omega * d / 2;
  GravityBodies world({{0.3, 0.5, 0, speed, 1}, {0.7, 0.5, 0, -speed, 1}}, gravity, 1e-9);
  const double period = 2 * std::numbers::pi / omega;
  for (int i = 0; i < 1000; ++i) world.step(period / 1000);
  CHECK(world.bodies()[0].x == doctest::Approx(0.3).epsilon(1e-3));
  CHECK(world.bodies()[0].y == doctest::Approx(0.5).epsilon(1e-3));
}

TEST_CASE("walls turn the velocity across them round and keep the rest") {
  GravityBodies world({{0.95, 0.5, 0.1, 0.02, 1}}, 0.2, 0.1);
  world.step(1);
  const auto& body = world.bodies()[0];
  CHECK(body.x == doctest::Approx(0.95));  // 0.05 to the wall, and 0.05 back
  CHECK(body.y == doctest::Approx(0.52));
  CHECK(body.vx == doctest::Approx(-0.1));
  CHECK(body.vy == doctest::Approx(0.02));
}

TEST_CASE("sprites begin at the speed asked for, heavier where they have more ink, and stay inside") {
  const GravitySprites source(images(), {.frames = 40, .canvas = 20, .speed = 0.07, .gravity = 0.01});
  for (Index i = 0; i < 20; ++i) {
    auto world = source.start(i);
    for (Index number = 0; number < 3; ++number) {
      const auto& body = world.bodies()[static_cast<std::size_t>(number)];
      CHECK(std::hypot(body.vx, body.vy) == doctest::Approx(0.07));
      CHECK(body.mass == doctest::Approx(source.image(i, number) == 0 ? 0.5 : 1.5));
    }
    for (int t = 0; t < 160; ++t) {
      world.step(0.25);
      for (const auto& body : world.bodies()) REQUIRE((body.x >= 0 && body.x <= 1 && body.y >= 0 && body.y <= 1));
    }
    CHECK(source.clip(i).shape() == Shape{40, 20, 20, 1});
  }
}

TEST_CASE("a clip depends on the seed and its index alone") {
  const GravitySprites a(images()), other(images(), {.seed = 2});
  CHECK(to_vector(a.clip(5)) == to_vector(GravitySprites(images()).clip(5)));
  CHECK(to_vector(a.clip(5)) != to_vector(a.clip(6)));
  CHECK(to_vector(a.clip(5)) != to_vector(other.clip(5)));
}

TEST_CASE("images without mass, and steps that are none, are refused") {
  Tensor<std::uint8_t> black({1, 2, 2}, {0, 0, 0, 0});
  CHECK_THROWS_AS(GravitySprites{black}, Error);
  CHECK_THROWS_AS(GravitySprites(images(), {.softening = 0}), Error);
  CHECK_THROWS_AS(GravitySprites(images(), {.steps = 0}), Error);
}
