// SPDX-License-Identifier: MIT
#include <flipbook/models/flow/solver.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <tuple>

using namespace flipbook;
using flow::Integration;
using flow::Solver;

namespace {

/// dx/dt = x·cos t, so that x(t) = x(0)·exp(sin t); it counts how often it is asked.
struct Growth {
  int* calls;
  Tensor<double> operator()(const Tensor<double>& x, double t) const {
    ++*calls;
    return x * std::cos(t);
  }
};

const Tensor<double> start({3}, {1, -2, 0.5});

double error_of(const Integration& how, int& calls, double to = 2) {
  calls = 0;
  const auto x = flow::integrate(Growth{&calls}, start, 0.0, to, how);
  double most = 0;
  for (Index i = 0; i < 3; ++i) most = std::max(most, std::abs(x.data()[i] - start.data()[i] * std::exp(std::sin(to))));
  return most;
}

}  // namespace

TEST_CASE("half the step divides the error by two to the power of the method's order") {
  int calls = 0;
  for (const auto& [solver, order, evaluations] :
       {std::tuple{Solver::euler, 1, 1}, std::tuple{Solver::heun, 2, 2}, std::tuple{Solver::dormand_prince, 5, 7}}) {
    const double coarse = error_of({.solver = solver, .steps = 16, .tolerance = 0}, calls);
    CHECK(calls == 16 * evaluations);
    const double fine = error_of({.solver = solver, .steps = 32, .tolerance = 0}, calls);
    CAPTURE(order);
    CHECK(std::log2(coarse / fine) == doctest::Approx(order).epsilon(0.1));
  }
}

TEST_CASE("Dormand and Prince's steps adapt: the error follows the tolerance, and so does their number") {
  int few = 0, many = 0, unused = 0;
  CHECK(error_of({.solver = Solver::dormand_prince, .tolerance = 1e-3}, few) < 1e-2);
  CHECK(error_of({.solver = Solver::dormand_prince, .tolerance = 1e-9}, many) < 1e-8);
  CHECK(many > 2 * few);
  // A first step that is far too long is tried, refused and shortened.
  CHECK(error_of({.solver = Solver::dormand_prince, .steps = 1, .tolerance = 1e-9}, unused) < 1e-8);
}

TEST_CASE("time runs backwards too") {
  int calls = 0;
  const Integration how{.solver = Solver::dormand_prince, .tolerance = 1e-10};
  const auto there = flow::integrate(Growth{&calls}, start, 0.0, 1.0, how);
  const auto back = flow::integrate(Growth{&calls}, there, 1.0, 0.0, how);
  for (Index i = 0; i < 3; ++i) CHECK(back.data()[i] == doctest::Approx(start.data()[i]).epsilon(1e-8));
}

TEST_CASE("each place may have times of its own, and stays as it is where they are equal") {
  const Tensor<double> from({3}, {0, 0.3, 0.5}), to({3}, {1, 0.3, 0.7});
  const auto v = [](const Tensor<double>& x, const Tensor<double>& t) { return x * cos(t); };
  for (const Solver solver : {Solver::heun, Solver::dormand_prince}) {
    const auto x = flow::integrate(v, start, from, to, {.solver = solver, .steps = 50, .tolerance = 1e-8});
    for (Index i : {0, 2}) {
      const double ratio = std::exp(std::sin(to.data()[i]) - std::sin(from.data()[i]));
      CHECK(x.data()[i] == doctest::Approx(start.data()[i] * ratio).epsilon(1e-4));
    }
    CHECK(x.data()[1] == start.data()[1]);
  }
}

TEST_CASE("no steps, and a solution that is not finite, are refused") {
  int calls = 0;
  CHECK_THROWS_WITH_AS(
      error_of({.steps = 0}, calls),
      "integrate: 0 steps and a tolerance of 0.000100; needs at least one step, and a tolerance that is "
      "not negative",
      Error);
  const auto broken = [](const Tensor<double>& x, double) { return x * std::numeric_limits<double>::quiet_NaN(); };
  CHECK_THROWS_AS(flow::integrate(broken, start, 0.0, 1.0, {.solver = Solver::dormand_prince}), Error);
}
