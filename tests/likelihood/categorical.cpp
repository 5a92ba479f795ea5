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

TEST_CASE("a class that does not exist and logits that do not fit are refused") {
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 3}), Tensor<std::int32_t>({2}, {0, 3})), Error);
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 3}), Tensor<std::int32_t>({2}, {-1, 0})), Error);
  CHECK_THROWS_AS(Categorical<3>::log_prob(zeros<float>({2, 4}), Tensor<std::int32_t>({2}, {0, 0})), Error);
  CHECK_THROWS_AS(Categorical<3>::mean(zeros<float>({2, 4})), Error);
}
