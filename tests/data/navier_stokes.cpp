// SPDX-License-Identifier: MIT
#include <flipbook/data/navier_stokes.hpp>

#include <doctest/doctest.h>

#include <numbers>
#include <vector>

using namespace flipbook;

namespace {

constexpr Index n = 32;

/// ω(x, y) on the points of the grid.
template <class F>
Tensor<double> field(const F& f) {
  Tensor<double> values({n, n});
  for (Index y = 0; y < n; ++y)
    for (Index x = 0; x < n; ++x)
      values.data()[y * n + x] =
          f(2 * std::numbers::pi * static_cast<double>(x) / n, 2 * std::numbers::pi * static_cast<double>(y) / n);
  return values;
}

double furthest(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.data()[i] - b.data()[i]));
  return worst;
}

NavierStokes2d<double> random_flow(double viscosity = 0) {
  NavierStokes2d<double> flow(n, viscosity);
  Rng rng{3};
  flow.add_random(
      0.5, [](double k) { return k < 5 ? 1.0 : 0.0; }, rng);
  return flow;
}

/// A random flow after a time of 0.5 in so many steps.
NavierStokes2d<double> after(Index steps, double viscosity = 0) {
  auto flow = random_flow(viscosity);
  for (Index i = 0; i < steps; ++i) flow.step(0.5 / static_cast<double>(steps));
  return flow;
}

double order(double coarse, double fine) { return std::log2(coarse / fine); }

}  // namespace

TEST_CASE("a Taylor-Green vortex decays at the exact rate") {
  // ω = cos(kx) cos(ky) stays so, times exp(−(2 ν k² + μ) t).
  const double viscosity = 0.05, drag = 0.3, k = 3;
  NavierStokes2d<double> flow(n, viscosity, drag);
  const auto vortex = field([&](double x, double y) { return std::cos(k * x) * std::cos(k * y); });
  flow.set_vorticity(vortex);
  for (int i = 0; i < 4; ++i) flow.step(0.25);
  const double factor = std::exp(-(2 * viscosity * k * k + drag));
  CHECK(furthest(flow.vorticity(),
                 field([&](double x, double y) { return factor * std::cos(k * x) * std::cos(k * y); })) < 1e-14);
}

TEST_CASE("the velocity is that of the vorticity, and a shear flow carries what is in it") {
  NavierStokes2d<double> flow(n);
  flow.set_vorticity(field([](double x, double y) { return 2 * std::cos(2 * x) + 3 * std::sin(3 * y); }));
  const auto velocity = flow.velocity();
  CHECK(furthest(velocity[0], field([](double, double y) { return std::cos(3 * y); })) < 1e-13);
  CHECK(furthest(velocity[1], field([](double x, double) { return std::sin(2 * x); })) < 1e-13);
  CHECK(flow.energy() == doctest::Approx(0.5));
  CHECK(flow.enstrophy() == doctest::Approx((4 + 9) / 4.0));

  // ∂ω/∂t = −u ∂ω/∂x − v ∂ω/∂y = 4 cos(3y) sin(2x) − 9 sin(2x) cos(3y), where the step is short.
  const auto before = flow.vorticity();
  const double h = 1e-4;
  flow.step(h);
  auto rate = flow.vorticity();
  for (Index i = 0; i < rate.size(); ++i) rate.data()[i] = (rate.data()[i] - before.data()[i]) / h;
  CHECK(furthest(rate, field([](double x, double y) { return -5 * std::sin(2 * x) * std::cos(3 * y); })) < 1e-2);
}

TEST_CASE("steps of time converge at order 4") {
  for (const double viscosity : {0.0, 0.01}) {
    const auto exact = after(160, viscosity).vorticity();
    std::vector<double> errors;
    for (const Index steps : {10, 20, 40}) errors.push_back(furthest(after(steps, viscosity).vorticity(), exact));
    CAPTURE(errors[0]);
    CHECK(order(errors[0], errors[1]) == doctest::Approx(4).epsilon(0.05));
    CHECK(order(errors[1], errors[2]) == doctest::Approx(4).epsilon(0.05));
  }
}

TEST_CASE("without viscosity energy and enstrophy are conserved, but for the error of the steps") {
  const auto begin = random_flow();
  const auto lost = [&](Index steps) {
    const auto end = after(steps);
    return std::pair(std::abs(end.energy() / begin.energy() - 1), std::abs(end.enstrophy() / begin.enstrophy() - 1));
  };
  const auto [energy, enstrophy] = lost(80);
  const auto [energy4, enstrophy4] = lost(320);
  CAPTURE(energy);
  CAPTURE(enstrophy);
  CHECK(energy < 1e-10);
  CHECK(enstrophy < 1e-10);
  CHECK(order(energy, energy4) / 2 == doctest::Approx(4).epsilon(0.05));
  CHECK(order(enstrophy, enstrophy4) / 2 > 3.5);  // a term of order 5, of the other sign, is not small yet
  CHECK(furthest(after(20).vorticity(), random_flow().vorticity()) > 0.1);  // while it changes
}

TEST_CASE("random waves have the energy that is asked for, at the wave numbers that are") {
  Rng rng{7};
  double energy = 0, enstrophy = 0;
  const int draws = 200;
  for (int i = 0; i < draws; ++i) {
    NavierStokes2d<float> flow(16);
    flow.add_random(
        0.3, [](double k) { return k == 3 ? 1.0 : 0.0; }, rng);  // 4 waves: (±3, 0), (0, ±3)
    energy += flow.energy() / draws, enstrophy += flow.enstrophy() / draws;
  }
  // Of 2 independent waves the energy is gamma-distributed, of standard deviation 0.3 / √2: here 0.3 / √400.
  CHECK(std::abs(energy - 0.3) < 4 * 0.015);
  CHECK(enstrophy == doctest::Approx(9 * energy));
}

TEST_CASE("a field has the same waves at any resolution") {
  const auto drawn = [](Index points) {
    NavierStokes2d<double> flow(points);
    Rng rng{1};
    flow.add_random(
        1, [](double k) { return k < 4 ? 1.0 : 0.0; }, rng);
    return flow.vorticity();
  };
  const auto coarse = drawn(16), fine = drawn(32);
  for (Index y = 0; y < 16; ++y)
    for (Index x = 0; x < 16; ++x) REQUIRE(coarse[y].data()[x] == doctest::Approx(fine[2 * y].data()[2 * x]));
}

TEST_CASE("more steps are taken where the flow is faster") {
  auto flow = random_flow();
  const Index steps = flow.steps_for(1);
  CHECK(steps > 1);
  flow.scale(10);
  CHECK(flow.steps_for(1) >= 10 * (steps - 1));
  CHECK(flow.steps_for(1e-6) == 1);
  flow.scale(1e30);
  CHECK_THROWS_AS(flow.steps_for(1), Error);
  flow.set_vorticity(field([](double x, double) { return std::sqrt(1 - x); }));  // not a number
  CHECK_THROWS_AS(flow.steps_for(1), Error);
  CHECK_THROWS_AS(NavierStokes2d<float>(32, -1), Error);
  CHECK_THROWS_AS(NavierStokes2d<float>(33), Error);
  CHECK_THROWS_AS(flow.set_vorticity(Tensor<double>({n, n + 1})), Error);
}
