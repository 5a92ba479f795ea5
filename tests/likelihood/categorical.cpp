// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/categorical.hpp>

#include <flipbook/testing/gradients.hpp>

#include "checks.hpp"

using namespace flipbook;
using namespace flipbook::test;
using likelihood::Categorical;

TEST_CASE_TEMPLATE("the probabilities of all classes sum to one", T, float, double) {
  const Tensor<std::int32_t> all({3, 1}, {0, 1, 2});
  for (const auto& logits :
       {std::vector<T>{0, 1, -1}, std::vector<T>{T(1e4), T(-1e4), 0}, std::vector<T>{-30, -30, -31}}) {
    CHECK(mass(Categorical<3>{}, logits, all) == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("each channel has its own logits, side by side; tokens may leave out their one channel", T, float,
                   double) {
  const Tensor<T> logits({1, 4}, {0, T(std::log(3)), T(std::log(7)), 0});  // two channels of two classes
  const auto p = [](const auto& log_prob) { return std::exp(static_cast<double>(log_prob.item())); };
  CHECK(p(Categorical<2>::log_prob(logits, Tensor<std::int32_t>({1, 2}, {1, 0}))) == doctest::Approx(0.75 * 0.875));
  CHECK(p(Categorical<2>::log_prob(logits, Tensor<std::int32_t>({1, 2}, {0, 1}))) == doctest::Approx(0.25 * 0.125));
  CHECK(p(Categorical<2>::log_prob(logits.reshape({1, 2, 2}), Tensor<std::int32_t>({1, 2}, {1, 0}))) ==
        doctest::Approx(0.75 * 0.875));
  CHECK(Categorical<2>::mean(logits).data()[0] == doctest::Approx(0.75));
  CHECK(Categorical<2>::mean(logits).data()[1] == doctest::Approx(0.125));
}

TEST_CASE_TEMPLATE("draws have the stated mean and keep the shape of the data", T, float, double) {
  check_draws(Categorical<4>{}, std::vector<T>{0, 1, -1, T(0.5)});
  Rng rng{2};
  CHECK(Categorical<4>::sample(zeros<T>({2, 3, 8}), rng).shape() == Shape{2, 3, 2});
}

TEST_CASE("gradients agree with finite differences") {
  Rng rng{4};
  const Tensor<std::int32_t> x({2, 3}, {0, 4, 2, 1, 1, 3});
  const auto logits = normal<double>({2, 3, 5}, rng);
  const auto log_prob = [&](const auto& l) { return Categorical<5>::log_prob(l, x); };
  CHECK(gradient_error(log_prob, logits) < 1e-7);
  CHECK(second_gradient_error(log_prob, logits) < 1e-6);
}

TEST_CASE_TEMPLATE("levels run from 0 to 1, and a value counts as the nearest", T, float, double) {
  using Levels = Categorical<5>::Levels;
  Rng rng{5};
  const auto logits = normal<T>({2, 3, 10}, rng);  // two channels
  const Tensor<std::int32_t> classes({2, 3, 2}, {0, 4, 2, 1, 1, 3, 4, 0, 3, 3, 2, 4});
  const auto expected = to_vector(Categorical<5>::log_prob(logits, classes));
  for (const double off : {0.0, 0.12, -0.12, 2.0}) {  // of a distance of 0.25; what is past the ends is nearest to them
    Tensor<T> x(classes.shape());
    for (Index i = 0; i < x.size(); ++i) {
      const int k = classes.data()[i];
      const double past = k == 0 ? -2 : k == 4 ? 2 : 0;
      x.data()[i] = static_cast<T>(k / 4.0 + (off == 2.0 ? past : off));
    }
    CHECK(to_vector(Levels::log_prob(logits, x)) == expected);
  }

  const auto drawn = Levels::sample(logits, rng), mean = Levels::mean(logits);
  CHECK(drawn.shape() == Shape{2, 3, 2});
  for (const T x : drawn) CHECK((x == 0 || x == T(0.25) || x == T(0.5) || x == T(0.75) || x == 1));
  CHECK(mean.shape() == Shape{2, 3, 2});
  for (Index i = 0; i < mean.size(); ++i) {
    double sum = 0, weighted = 0;
    for (int k = 0; k < 5; ++k) {
      const double weight = std::exp(static_cast<double>(logits.data()[5 * i + k]));
      sum += weight, weighted += weight * k / 4;
    }
    CHECK(static_cast<double>(mean.data()[i]) == doctest::Approx(weighted / sum).epsilon(1e-6));
  }
  check_draws(Levels{}, std::vector<T>{0, 1, -1, T(0.5), 0});
}

TEST_CASE("the brightest of 256 levels is 1 exactly, and all are told apart") {
  using Levels = Categorical<256>::Levels;
  Tensor<float> sure = full<float>({256, 256}, -100.0F), levels({256, 1});
  for (Index k = 0; k < 256; ++k) {
    sure.data()[257 * k] = 100;
    levels.data()[k] = static_cast<float>(k) / 255;
  }
  Rng rng{6};
  CHECK(to_vector(Levels::sample(sure, rng)) == to_vector(levels));
  for (const float log_prob : Levels::log_prob(sure, levels)) CHECK(log_prob == 0);
}

TEST_CASE("gradients of levels agree with finite differences, and none goes to the data") {
  using Levels = Categorical<5>::Levels;
  Rng rng{7};
  const auto x = uniform<double>({2, 3}, rng), logits = normal<double>({2, 15}, rng);
  CHECK(gradient_error([&](const auto& l) { return Levels::log_prob(l, x); }, logits) < 1e-7);
  CHECK(gradient_error([](const auto& l) { return Levels::mean(l); }, logits) < 1e-7);
  Tape tape;
  const auto data = tape.variable(x);
  const auto slope = tape.gradient(sum(Levels::log_prob(tape.variable(logits), data)), data);
  CHECK(to_vector(slope) == to_vector(zeros<double>({2, 3})));
  CHECK_THROWS_WITH_AS(Levels::log_prob(logits, zeros<double>({2, 2})),
                       "Categorical: parameters of shape (2, 15) for data of shape (2, 2); needs 5 for each channel",
                       Error);
}

TEST_CASE("a class that does not exist and logits that do not fit are refused") {
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 3}), Tensor<std::int32_t>({2}, {0, 3})), Error);
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 3}), Tensor<std::int32_t>({2}, {-1, 0})), Error);
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 4}), Tensor<std::int32_t>({2}, {0, 0})), Error);
  CHECK_THROWS_AS(Categorical<3>::mean(zeros<float>({2, 4})), Error);
}
