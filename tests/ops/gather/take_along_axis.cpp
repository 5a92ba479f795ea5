// SPDX-License-Identifier: MIT
#include <flipbook/ops/gather/take_along_axis.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("the element at the index of each row is picked", T, float, double) {
  const Tensor<T> x({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  const auto y = take_along_axis(x, Tensor<std::int32_t>({2, 2}, {2, 0, 1, 1}));
  CHECK(y.shape() == Shape{2, 2});
  CHECK(to_vector(y) == std::vector<T>{2, 3, 7, 10});
  CHECK(take_along_axis(zeros<T>({0, 3}), Tensor<std::int32_t>(Shape{0})).size() == 0);
}

TEST_CASE("first and second gradients agree with finite differences, over many rows too") {
  Rng rng{1};
  const auto x = normal<double>({2, 3}, rng);
  const Tensor<std::int32_t> index({2}, {1, 2});
  const auto squared = [&](const auto& v) { return square(take_along_axis(v, index)); };
  CHECK(gradient_error(squared, x) < 1e-7);
  CHECK(second_gradient_error(squared, x) < 1e-7);

  Tape tape;
  const auto many = tape.variable(zeros<float>({1031, 7}));
  const auto gradient = tape.gradient(sum(take_along_axis(many, full<std::int32_t>({1031}, 3))), many);
  for (Index i = 0; i < many.size(); ++i) CHECK(gradient.data()[i] == (i % 7 == 3 ? 1.0F : 0.0F));
}

TEST_CASE("an index outside of the row, and indices that do not fit, are refused") {
  const auto x = zeros<float>({2, 3});
  CHECK_THROWS_WITH_AS(take_along_axis(x, Tensor<std::int32_t>({2}, {0, 3})),
                       "take_along_axis: index 3 is not in [0, 3)", Error);
  CHECK_THROWS_AS(take_along_axis(x, Tensor<std::int32_t>({2}, {0, -1})), Error);
  CHECK_THROWS_AS(take_along_axis(x, Tensor<std::int32_t>({3}, {0, 0, 0})), Error);
  CHECK_THROWS_AS(take_along_axis(full<float>({}, 1), Tensor<std::int32_t>(Shape{})), Error);
}

TEST_CASE_TEMPLATE("places are drawn as often as softmax says, and impossible ones never", T, float, double) {
  constexpr Index count = 40'000;
  const T never = -std::numeric_limits<T>::infinity();
  const Tensor<T> logits({1, 5}, {never, 0, T(std::log(2)), T(std::log(5)), never});
  Rng rng{9};
  const auto index = sample_categorical(broadcast_to(logits, {count, 5}), rng);
  CHECK(index.shape() == Shape{count});
  std::vector<double> times(5);
  for (const std::int32_t i : index) times.at(static_cast<std::size_t>(i)) += 1;
  const double expected[] = {0, 0.125, 0.25, 0.625, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    const double error = std::sqrt(expected[i] * (1 - expected[i]) / count);
    CHECK(std::abs(times[i] / count - expected[i]) <= 4 * error);
  }
}

TEST_CASE("draws depend on the stream alone and move it on") {
  Rng rng{9};
  const auto logits = zeros<float>({1031, 7});
  const auto first = to_vector(sample_categorical(logits, rng)), second = to_vector(sample_categorical(logits, rng));
  CHECK(first != second);
  Rng again{9};
  const int before = threads();
  set_threads(3);
  CHECK(to_vector(sample_categorical(logits, again)) == first);
  set_threads(before);
  CHECK_THROWS_AS(sample_categorical(zeros<float>({2, 0}), rng), Error);
}
