// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/add_onto.hpp>

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace flipbook;

TEST_CASE("adding onto a tensor leaves other holders of its memory alone") {
  Tensor<float> x({3}, {1, 2, 3});
  const Tensor<float> other = x;
  add_onto(x, Tensor<float>({3}, {10, 10, 10}));
  CHECK(to_vector(x) == std::vector<float>{11, 12, 13});
  CHECK(to_vector(other) == std::vector<float>{1, 2, 3});
}

TEST_CASE_TEMPLATE("adding onto a tensor that nobody else holds takes place in its memory", T, float, double) {
  Tensor<T> x({3}, {1, 2, 3});
  const T* const at = std::as_const(x).data();
  add_onto(x, Tensor<T>({3}, {10, 10, 10}));
  CHECK(std::as_const(x).data() == at);
  CHECK(to_vector(x) == std::vector<T>{11, 12, 13});
}
