// SPDX-License-Identifier: MIT
#include <flipbook/data/pendulum.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace flipbook;

static_assert(Dataset<Pendulum> && std::same_as<ClipOf<Pendulum>, ClipWithActions<>>);

namespace {

constexpr double pi = std::numbers::pi;
const Pendulum free_one({.length = 0.7, .mass = 2, .damping = 0});

/// Where the bob is, from the pixels of its colour: the angle.
double angle_of(const Tensor<float>& frame) {
  const Index size = frame.extent(0);
  double x = 0, y = 0, total = 0;
  for (Index i = 0; i < size * size; ++i) {
    const double orange = frame.data()[3 * i] - frame.data()[3 * i + 2];
    if (orange < 0.1) continue;
    x += orange * (static_cast<double>(i % size) + 0.5);
    y += orange * (static_cast<double>(i / size) + 0.5);
    total += orange;
  }
  const double middle = static_cast<double>(size) / 2;
  return std::atan2(x / total - middle, middle - y / total);
}

}  // namespace

TEST_CASE("the integration is of fourth order") {
  const Pendulum damped({.length = 0.7, .mass = 2, .damping = 0.3});
  const Pendulum::State start{1, 2};
  const auto exact = damped.after(start, 1.5, 1, 4096);
  const auto error = [&](Index steps) {
    const auto state = damped.after(start, 1.5, 1, steps);
    return std::hypot(state.angle - exact.angle, state.velocity - exact.velocity);
  };
  CHECK(std::log2(error(32) / error(64)) == doctest::Approx(4).epsilon(0.1));
  CHECK(std::log2(error(64) / error(128)) == doctest::Approx(4).epsilon(0.05));
}

TEST_CASE("small swings take 2π √(l/g)") {
  const double period = 2 * pi * std::sqrt(0.7 / 9.81);
  const auto quarter = free_one.after({pi + 0.01, 0}, 0, period / 4, 100);
  const auto half = free_one.after({pi + 0.01, 0}, 0, period / 2, 100);
  CHECK(std::abs(quarter.angle - pi) < 1e-6);
  CHECK(half.angle == doctest::Approx(pi - 0.01).epsilon(1e-6));
}

TEST_CASE("energy is conserved without torque and damping, and lost by damping") {
  const Pendulum::State start{0.5, 1};
  const double energy = free_one.energy(start);
  CHECK(free_one.energy(free_one.after(start, 0, 5, 2000)) == doctest::Approx(energy).epsilon(1e-9));
  const Pendulum damped({.damping = 0.5});
  CHECK(damped.energy(damped.after(start, 0, 5, 2000)) < damped.energy(start) - 1);
}

TEST_CASE("a torque that holds the weight keeps the pendulum where it is") {
  const auto held = free_one.after({pi / 2, 0}, -9.81 * 0.7 * 2, 0.3, 100);
  CHECK(held.angle == doctest::Approx(pi / 2));
}

TEST_CASE("frames show the state, and the state follows from the actions") {
  for (const auto kind : {Pendulum::Actions::smooth, Pendulum::Actions::discrete}) {
    const Pendulum source({.actions = kind, .seed = 3});
    const auto one = source.clip(5);
    const Index width = kind == Pendulum::Actions::smooth ? 1 : 3;
    REQUIRE(one.clip.shape() == Shape{20, 64, 64, 3});
    REQUIRE(one.actions.shape() == Shape{20, width});
    REQUIRE(one.state.shape() == Shape{20, 3});
    Pendulum::State state = source.start(5);
    for (Index t = 0; t < 20; ++t) {
      const float *shown = one.state.data() + 3 * t, *action = one.actions.data() + width * t;
      CHECK(shown[0] == doctest::Approx(std::cos(state.angle)).epsilon(1e-5));
      CHECK(shown[2] == doctest::Approx(state.velocity).epsilon(1e-5));
      const double seen = angle_of(one.clip[t]);
      CHECK(std::cos(seen - state.angle) > 0.998);
      state = source.after(state, 5.0 * (width == 1 ? action[0] : action[2] - action[0]), 0.1, 4);
    }
  }
}

TEST_CASE("actions are in their interval, and of every kind") {
  const Pendulum smooth, discrete({.actions = Pendulum::Actions::discrete});
  double sum = 0, squares = 0, counts[3] = {};
  for (Index i = 0; i < 300; ++i) {
    for (const float u : smooth.actions(i)) {
      REQUIRE(std::abs(u) <= 1);
      sum += u;
      squares += u * u;
    }
    const auto actions = discrete.actions(i);
    for (Index t = 0; t < 20; ++t) {
      REQUIRE(actions.data()[3 * t] + actions.data()[3 * t + 1] + actions.data()[3 * t + 2] == 1);
      for (Index k = 0; k < 3; ++k) {
        counts[k] += actions.data()[3 * t + k];
        if (t % 4 != 0) REQUIRE(actions.data()[3 * t + k] == actions.data()[3 * t - 3 + k]);
      }
    }
  }
  CHECK(std::abs(sum / 6000) < 0.05);
  CHECK(squares / 6000 == doctest::Approx(1.0 / 6).epsilon(0.1));  // three sinusoids of amplitude 1/3
  for (const double count : counts) CHECK(count / 6000 == doctest::Approx(1.0 / 3).epsilon(0.1));
}

TEST_CASE("replayed actions give the clip again, and others another that begins alike") {
  const Pendulum source({.seed = 9});
  const auto one = source.clip(2);
  CHECK(to_vector(source.replay(2, one.actions).clip) == to_vector(one.clip));
  const auto other = source.replay(2, source.actions(3));
  CHECK(to_vector(other.clip[0]) == to_vector(one.clip[0]));
  CHECK(to_vector(other.clip[19]) != to_vector(one.clip[19]));
  CHECK_THROWS_AS(source.replay(2, Tensor<float>({20, 3})), Error);
}

TEST_CASE("what docs/data.md shows of actions") {
  namespace fb = flipbook;
  // [actions]
  const fb::Pendulum pendulum({.actions = fb::Pendulum::Actions::discrete});
  const fb::ClipWithActions<> one = pendulum.clip(7);               // clip (T, H, W, 3), actions (T, 3), state (T, 3)
  const auto other = pendulum.replay(7, pendulum.actions(8));       // begins alike, and goes on by other actions
  const auto batch = fb::batch_of(pendulum, 0, 16);                 // clip (N, T, H, W, 3), actions (N, T, 3), …
  const auto clips = fb::batch_of(fb::ClipsOnly(pendulum), 0, 16);  // (N, T, H, W, 3)
  // [/actions]
  CHECK(one.actions.shape() == Shape{20, 3});
  CHECK(to_vector(other.clip[0]) == to_vector(one.clip[0]));
  CHECK(to_vector(batch.clip) == to_vector(clips));
}

TEST_CASE("a pendulum that cannot be is refused") {
  CHECK_THROWS_AS(Pendulum({.length = 0}), Error);
  CHECK_THROWS_AS(Pendulum({.hold = 0}), Error);
}
