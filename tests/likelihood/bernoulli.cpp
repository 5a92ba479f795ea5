// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/bernoulli.hpp>

#include <flipbook/testing/gradients.hpp>

#include "checks.hpp"

using namespace flipbook;
using namespace flipbook::test;
using likelihood::Bernoulli;

TEST_CASE_TEMPLATE("the probabilities of 0 and 1 sum to one", T, float, double) {
  const Tensor<T> both({2, 1}, {0, 1});
  for (const T logit : {T(0), T(0.3), T(-7), T(30), T(1e4), T(-1e4)}) {
    CHECK(mass(Bernoulli{}, std::vector{logit}, both) == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("a soft target costs its cross-entropy, and samples sum over all their elements", T, float, double) {
  const Tensor<T> logits({2, 1, 3}, {T(-2), T(0.5), T(3), T(0), T(1), T(-1)});
  const Tensor<T> x({2, 1, 3}, {T(0.25), T(1), T(0.5), T(0), T(0.75), T(0.1)});
  const auto log_prob = Bernoulli::log_prob(logits, x);
  REQUIRE(log_prob.shape() == Shape{2});
  for (Index n = 0; n < 2; ++n) {
    double expected = 0;
    for (Index i = 3 * n; i < 3 * n + 3; ++i) {
      const double p = 1 / (1 + std::exp(-static_cast<double>(logits.data()[i]))), t = static_cast<double>(x.data()[i]);
      expected += t * std::log(p) + (1 - t) * std::log(1 - p);
    }
    CHECK(static_cast<double>(log_prob.data()[n]) == doctest::Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("sure and wrong costs the logit itself, with a slope of one", T, float, double) {
  Tape tape;
  const auto logits = tape.variable(Tensor<T>({4}, {T(1e4), T(-1e4), T(1e4), T(-1e4)}));
  const Tensor<T> x({4}, {0, 1, 1, 0});
  const auto log_prob = Bernoulli::log_prob(logits, x);
  CHECK(to_vector(log_prob.value()) == std::vector<T>{T(-1e4), T(-1e4), 0, 0});
  CHECK(to_vector(tape.gradient(sum(log_prob), logits)) == std::vector<T>{-1, 1, 0, 0});
}

TEST_CASE_TEMPLATE("draws have the stated mean and are 0 or 1", T, float, double) {
  for (const T logit : {T(0), T(-1.5), T(3), T(1e4)}) check_draws(Bernoulli{}, std::vector{logit});
  Rng rng{1};
  for (const T x : Bernoulli::sample(zeros<T>({101}), rng)) CHECK((x == 0 || x == 1));
}

TEST_CASE("first and second gradients agree with finite differences") {
  Rng rng{4};
  const auto log_prob = [](const auto& l, const auto& x) { return Bernoulli::log_prob(l, x); };
  for (const Shape& shape : {Shape{1}, Shape{3, 1, 7}, Shape{2, 17}}) {
    const auto logits = normal<double>(shape, rng), x = uniform<double>(shape, rng);
    CHECK(gradient_error(log_prob, logits, x) < 1e-7);
    CHECK(second_gradient_error(log_prob, logits, x) < 1e-6);
  }
}

TEST_CASE("logits that do not fit the data are refused") {
  CHECK_THROWS_WITH_AS(Bernoulli::log_prob(zeros<float>({2, 3}), zeros<float>({2, 2})),
                       "Bernoulli: parameters of shape (2, 3) for data of shape (2, 2); needs 1 for each channel",
                       Error);
}
