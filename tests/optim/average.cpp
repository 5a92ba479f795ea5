// SPDX-License-Identifier: MIT
#include <flipbook/optim/average.hpp>

#include <doctest/doctest.h>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("the average weighs what it has seen by powers of its decay", T, float, double) {
  MovingAverage average{0.75, Tensor<T>({2}, {8, 0})};
  average.update(Tensor<T>({2}, {0, 4}));
  average.update(Tensor<T>({2}, {4, 4}));
  CHECK(to_vector(average.value()) == std::vector<T>{T(8 * 0.5625 + 4 * 0.25), T(4 * 0.1875 + 4 * 0.25)});
}

TEST_CASE_TEMPLATE("exchanging twice restores both, and the average shares no memory with the parameters", T, float,
                   double) {
  Tensor<T> parameters({3}, {1, 2, 3});
  MovingAverage average{0.5, parameters};
  fill(parameters, T(7));
  CHECK(to_vector(average.value()) == std::vector<T>{1, 2, 3});
  average.swap(parameters);
  CHECK(to_vector(parameters) == std::vector<T>{1, 2, 3});
  CHECK(to_vector(average.value()) == std::vector<T>{7, 7, 7});
  average.swap(parameters);
  CHECK(to_vector(parameters) == std::vector<T>{7, 7, 7});
}

TEST_CASE("a decay out of range and parameters of another size are refused") {
  CHECK_THROWS_AS((MovingAverage{1.0, zeros<float>({2})}), Error);
  CHECK_THROWS_AS((MovingAverage{-0.1, zeros<float>({2})}), Error);
  MovingAverage average{0.9, zeros<float>({2})};
  CHECK_THROWS_AS(average.update(zeros<float>({3})), Error);
  CHECK_THROWS_AS(average.swap(zeros<float>({3})), Error);
}
