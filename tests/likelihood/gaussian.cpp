// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/gaussian.hpp>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>

#include "checks.hpp"

using namespace flipbook;
using namespace flipbook::test;
using likelihood::FixedGaussian;
using likelihood::Gaussian;
using likelihood::LearnedGaussian;

namespace {
template <class T>
using Learned = LearnedGaussian::Instance<T, Cpu>;
}

TEST_CASE_TEMPLATE("the density integrates to one", T, float, double) {
  for (const double s : {-3.0, 0.0, 2.0}) {
    const double reach = 9 * std::exp(s), step = 2 * reach / 4000;
    CHECK(mass(Gaussian{}, std::vector{T(0.5), static_cast<T>(s)}, grid<T>(0.5 - reach, 0.5 + reach, 4000)) * step ==
          doctest::Approx(1).epsilon(1e-4));
  }
  const auto around = grid<T>(-5, 5, 4000);
  CHECK(mass(FixedGaussian<0.25>{}, std::vector{T(0.5)}, around) * 10 / 4000 == doctest::Approx(1).epsilon(1e-5));
  CHECK(mass(Learned<T>{}, std::vector{T(0)}, grid<T>(-9, 9, 4000)) * 18 / 4000 == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE_TEMPLATE("means stand in the first channels, log-scales in the last", T, float, double) {
  const Tensor<T> parameters({1, 4}, {1, 2, 0, T(std::log(2))}), x({1, 2}, {3, 4});
  const double expected = -0.5 * 4 - 0.5 * 1 - std::log(2) - std::log(2 * std::numbers::pi);
  CHECK(static_cast<double>(Gaussian::log_prob(parameters, x).item()) == doctest::Approx(expected).epsilon(1e-6));
  CHECK(to_vector(Gaussian::mean(parameters)) == std::vector<T>{1, 2});
}

TEST_CASE_TEMPLATE("any finite parameters give finite values and gradients", T, float, double) {
  for (const T mean : {T(1e4), T(-1e4), T(0)}) {
    for (const T log_scale : {T(1e4), T(-1e4), T(0)}) {
      Tape tape;
      const auto parameters = tape.variable(Tensor<T>({1, 2}, {mean, log_scale}));
      const auto log_prob = Gaussian::log_prob(parameters, zeros<T>({1, 1}));
      CHECK(std::isfinite(log_prob.item()));
      CHECK(all_finite(tape.gradient(sum(log_prob), parameters)));
    }
  }
}

TEST_CASE_TEMPLATE("draws have the stated mean and scale", T, float, double) {
  check_draws(Gaussian{}, std::vector{T(2), T(1)});
  check_draws(FixedGaussian<0.25>{}, std::vector{T(-3)});
  Learned<T> learned;
  learned.log_scale.value = full<T>({1}, T(-1));
  check_draws(learned, std::vector{T(5)});

  Rng rng{3};
  const auto deviation = [](const Tensor<T>& x) { return std::sqrt(total(square(x)) / static_cast<double>(x.size())); };
  CHECK(deviation(FixedGaussian<0.25>::sample(zeros<T>({20'000}), rng)) == doctest::Approx(0.25).epsilon(0.03));
  CHECK(deviation(learned.sample(zeros<T>({20'000}), rng)) == doctest::Approx(std::exp(-1)).epsilon(0.03));
  CHECK(deviation(Gaussian::sample(repeated(std::vector{T(0), T(1)}, 20'000), rng)) ==
        doctest::Approx(std::exp(1)).epsilon(0.03));
}

TEST_CASE("first and second gradients agree with finite differences") {
  Rng rng{4};
  const auto parameters = normal<double>({3, 5, 4}, rng), x = normal<double>({3, 5, 2}, rng);
  const auto log_prob = [](const auto& p, const auto& data) { return Gaussian::log_prob(p, data); };
  CHECK(gradient_error(log_prob, parameters, x) < 1e-7);
  CHECK(second_gradient_error(log_prob, parameters, x) < 1e-6);
  const auto fixed = [](const auto& m, const auto& data) { return FixedGaussian<0.5>::log_prob(m, data); };
  CHECK(gradient_error(fixed, x, normal<double>({3, 5, 2}, rng)) < 1e-7);
}

TEST_CASE("the learned scale is a parameter of the network, and its gradient agrees with finite differences") {
  Rng rng{5};
  Module<LearnedGaussian, double> likelihood;
  CHECK(likelihood.parameters().size() == 1);
  const auto mean = normal<double>({3, 7}, rng), x = normal<double>({3, 7}, rng);
  CHECK(parameter_gradient_error(likelihood, [&](Tape& tape) { return likelihood->log_prob(tape.constant(mean), x); }) <
        1e-7);
}

TEST_CASE("parameters that do not fit the data are refused") {
  CHECK_THROWS_AS(Gaussian::log_prob(zeros<float>({2, 3}), zeros<float>({2, 3})), Error);
  CHECK_THROWS_AS(Gaussian::mean(zeros<float>({2, 3})), Error);
  CHECK_THROWS_AS(FixedGaussian<1.0>::log_prob(zeros<float>({2, 3}), zeros<float>({1, 3})), Error);
}
