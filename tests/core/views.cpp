// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include <flipbook/core/eigen.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/xtensor.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("an xtensor view reads and writes the tensor's own memory", T, float, double) {
  Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  auto view = as_xtensor(x);
  CHECK(view(1, 2) == 6);
  CHECK(xt::sum(view)() == 21);
  xt::view(view, 0, xt::all()) *= T(10);
  CHECK(to_vector(x) == std::vector<T>{10, 20, 30, 4, 5, 6});
  CHECK(view.data() == x.data());
}

TEST_CASE("an xtensor expression becomes a tensor") {
  const Tensor<float> x({2, 2}, {1, 2, 3, 4});
  const Tensor<float> y = from_xtensor<float>(as_xtensor(x) * 2.0F + 1.0F);
  CHECK(y.shape() == Shape{2, 2});
  CHECK(to_vector(y) == std::vector<float>{3, 5, 7, 9});
}

TEST_CASE_TEMPLATE("an Eigen map has the last axis as columns, in the tensor's own memory", T, float, double) {
  Tensor<T> x({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  auto matrix = as_matrix(x);
  CHECK(matrix.rows() == 4);
  CHECK(matrix.cols() == 3);
  CHECK(matrix(2, 1) == 8);
  matrix.row(0).setZero();
  CHECK(x.data()[2] == 0);
  CHECK(matrix.data() == x.data());
}
