// SPDX-License-Identifier: MIT
#include <flipbook/ops/reduce/per_sample.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("each sample is summed over all that belongs to it", T, float, double) {
  const Tensor<T> x({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(to_vector(sum_per_sample(x)) == std::vector<T>{6, 15});
  CHECK(to_vector(sum_per_sample(x.reshape({6}))) == std::vector<T>{1, 2, 3, 4, 5, 6});
  CHECK(sum_per_sample(zeros<T>({0, 3})).shape() == Shape{0});
  CHECK(to_vector(sum_per_sample(zeros<T>({2, 0}))) == std::vector<T>{0, 0});
  CHECK_THROWS_AS(sum_per_sample(full<T>({}, 1)), Error);
}

TEST_CASE("its gradient agrees with finite differences") {
  Rng rng{1};
  CHECK(gradient_error([](const auto& x) { return sum_per_sample(x); }, normal<double>({3, 2, 5}, rng)) < 1e-7);
}
