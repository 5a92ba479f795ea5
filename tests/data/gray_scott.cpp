// SPDX-License-Identifier: MIT
#include <flipbook/data/gray_scott.hpp>

#include <doctest/doctest.h>

#include <numbers>
#include <set>
#include <string>

using namespace flipbook;

static_assert(Dataset<GrayScott>);

namespace {

constexpr Index n = 21;  // no multiple of a vector register's width

/// u = 0.6 and v = 0.2, but for waves.
ReactionDiffusion<double> waves(const ReactionDiffusion<double>::Rates& rates) {
  ReactionDiffusion<double> field(n, rates);
  for (Index y = 0; y < n; ++y) {
    for (Index x = 0; x < n; ++x) {
      const double angle = 2 * std::numbers::pi / static_cast<double>(n);
      field.u(y, x) = 0.6 + 0.1 * std::cos(angle * static_cast<double>(x + 2 * y));
      field.v(y, x) = 0.2 + 0.1 * std::sin(angle * static_cast<double>(3 * x - y));
    }
  }
  return field;
}

struct Sums {
  double u = 0, v = 0;
};
Sums sums(ReactionDiffusion<double>& field) {
  Sums sum;
  for (Index y = 0; y < n; ++y)
    for (Index x = 0; x < n; ++x) sum.u += field.u(y, x), sum.v += field.v(y, x);
  return sum;
}

}  // namespace

TEST_CASE("the two states without a pattern stay as they are") {
  const double feed = 0.05, kill = 0.055, loss = feed + kill;
  // u v = F + k and F (1 − u) = (F + k) v
  const double u = (1 - std::sqrt(1 - 4 * loss * loss / feed)) / 2, v = feed * (1 - u) / loss;
  for (const auto& [begin_u, begin_v] : {std::pair{1.0, 0.0}, {u, v}}) {
    ReactionDiffusion<double> field(n, {.feed = feed, .kill = kill});
    for (Index y = 0; y < n; ++y)
      for (Index x = 0; x < n; ++x) field.u(y, x) = begin_u, field.v(y, x) = begin_v;
    for (int i = 0; i < 20; ++i) field.step();
    for (Index y = 0; y < n; ++y) {
      for (Index x = 0; x < n; ++x) {
        REQUIRE(field.u(y, x) == doctest::Approx(begin_u).epsilon(1e-12));
        REQUIRE(field.v(y, x) == doctest::Approx(begin_v).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("what is fed and what is lost balance the change of mass in every step") {
  const double feed = 0.04, kill = 0.06, h = 0.7;
  auto field = waves({.feed = feed, .kill = kill});
  for (int i = 0; i < 5; ++i) {
    const Sums before = sums(field);
    field.step(h);
    const Sums after = sums(field);
    const double expected = h * (feed * (n * n - before.u) - (feed + kill) * before.v);
    CHECK(after.u + after.v - before.u - before.v == doctest::Approx(expected).epsilon(1e-9));
  }
}

TEST_CASE("a wave diffuses at the rate of the scheme, of second order in its wave number") {
  // 1 − 4 D h (sin²(π p / n) + sin²(π q / n)) in a step, for the wave (p, q)
  ReactionDiffusion<double> field(n, {.feed = 0, .kill = 0, .diffusion_u = 0.2});
  const auto wave = [&](Index y, Index x) {
    return std::cos(2 * std::numbers::pi * static_cast<double>(2 * x + 3 * y) / static_cast<double>(n));
  };
  for (Index y = 0; y < n; ++y)
    for (Index x = 0; x < n; ++x) field.u(y, x) = wave(y, x);
  field.step();
  const auto square = [](double p) { return std::pow(std::sin(std::numbers::pi * p / static_cast<double>(n)), 2); };
  const double factor = 1 - 0.8 * (square(2) + square(3));
  for (Index y = 0; y < n; ++y)
    for (Index x = 0; x < n; ++x) REQUIRE(field.u(y, x) - factor * wave(y, x) == doctest::Approx(0).epsilon(1e-12));
}

TEST_CASE("steps of time converge at order 1") {
  const auto after = [](Index steps) {
    auto field = waves({.feed = 0.04, .kill = 0.06});
    for (Index i = 0; i < steps; ++i) field.step(8 / static_cast<double>(steps));
    return field.v(5, 7);
  };
  const double exact = 2 * after(6400) - after(3200);
  CHECK(std::log2(std::abs(after(20) - exact) / std::abs(after(40) - exact)) == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("patterns grow from a few discs, and differ in their rates") {
  const GrayScott source({.frames = 4, .canvas = 48});
  CHECK(source.shape() == Shape{4, 48, 48, 1});
  std::set<std::string> names;
  for (Index i = 0; i < 40; ++i) names.insert(source.pattern(i).name);
  CHECK(names.size() == GrayScott::patterns.size());
  for (Index i = 0; i < 6; ++i) {
    const auto clip = source.clip(i);
    for (const float pixel : clip) REQUIRE((pixel >= 0 && pixel <= 1));
    const auto lit = [&](Index t) {
      return std::count_if(clip[t].begin(), clip[t].end(), [](float pixel) { return pixel > 0.3F; });
    };
    CHECK(lit(0) > 0);
    CHECK(lit(3) > lit(0));
    CHECK(*std::max_element(clip[3].begin(), clip[3].end()) > 0.5F);
  }
}

TEST_CASE("a clip depends on the seed and its index alone") {
  const GrayScott::Options small{.frames = 2, .canvas = 19, .steps = 5, .warmup = 5};
  const GrayScott source(small);
  auto other = small;
  other.seed = 1;
  const auto clip = to_vector(source.clip(3));
  CHECK(clip == to_vector(GrayScott(small).clip(3)));
  CHECK(clip != to_vector(source.clip(4)));
  CHECK(clip != to_vector(GrayScott(other).clip(3)));
  CHECK_THROWS_AS(GrayScott({.frames = 0}), Error);
  CHECK_THROWS_AS(GrayScott({.range = 0}), Error);
}
