// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/laplace.hpp>

#include <flipbook/testing/gradients.hpp>

#include "checks.hpp"

using namespace flipbook;
using namespace flipbook::test;
using likelihood::Laplace;

TEST_CASE_TEMPLATE("the density integrates to one", T, float, double) {
  for (const double s : {-3.0, 0.0, 2.0}) {
    const double reach = 20 * std::exp(s), step = 2 * reach / 20'000;
    CHECK(mass(Laplace{}, std::vector{T(0.5), static_cast<T>(s)}, grid<T>(0.5 - reach, 0.5 + reach, 20'000)) * step ==
          doctest::Approx(1).epsilon(1e-4));
  }
}

TEST_CASE_TEMPLATE("an error of one scale costs one nat", T, float, double) {
  const Tensor<T> parameters({1, 2}, {1, T(std::log(0.5))});
  const auto at = [&](T x) {
    return static_cast<double>(Laplace::log_prob(parameters, Tensor<T>({1, 1}, {x})).item());
  };
  CHECK(at(1) == doctest::Approx(0));
  CHECK(at(T(1.5)) == doctest::Approx(-1));
  CHECK(at(0) == doctest::Approx(-2));
}

TEST_CASE_TEMPLATE("any finite parameters give finite values and gradients", T, float, double) {
  for (const T mean : {T(1e4), T(-1e4), T(0)}) {
    for (const T log_scale : {T(1e4), T(-1e4), T(0)}) {
      Tape tape;
      const auto parameters = tape.variable(Tensor<T>({1, 2}, {mean, log_scale}));
      const auto log_prob = Laplace::log_prob(parameters, zeros<T>({1, 1}));
      CHECK(std::isfinite(log_prob.item()));
      CHECK(all_finite(tape.gradient(sum(log_prob), parameters)));
    }
  }
}

TEST_CASE_TEMPLATE("draws have the stated mean and scale, on both sides, and none is infinite", T, float, double) {
  check_draws(Laplace{}, std::vector{T(2), T(1)});
  Rng rng{3};
  const auto x = Laplace::sample(repeated(std::vector{T(0), T(-1)}, 40'000), rng);
  CHECK(all_finite(x));
  CHECK(total(abs(x)) / 40'000 == doctest::Approx(std::exp(-1)).epsilon(0.03));
  // At the very ends of the uniform numbers too.
  for (const T u : {T(0), T(1), T(0.5)}) {
    Tensor<T> y({1}, {u});
    kernel::map(Cpu{}, function::LaplaceQuantile{}, y, y);
    CHECK(std::isfinite(y.item()));
  }
}

TEST_CASE("first and second gradients agree with finite differences") {
  Rng rng{4};
  const auto parameters = normal<double>({3, 5, 4}, rng), x = normal<double>({3, 5, 2}, rng);
  const auto log_prob = [](const auto& p, const auto& data) { return Laplace::log_prob(p, data); };
  CHECK(gradient_error(log_prob, parameters, x) < 1e-7);
  CHECK(second_gradient_error(log_prob, parameters, x) < 1e-6);
}

TEST_CASE("parameters that do not fit the data are refused") {
  CHECK_THROWS_AS(Laplace::log_prob(zeros<float>({2, 3}), zeros<float>({2, 3})), Error);
}
