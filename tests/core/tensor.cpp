// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdint>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("copies, reshapes and slices share memory; a clone does not", T, float, double, std::int32_t) {
  Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor<T> copy = x, flat = x.reshape({-1}), row = x[1], clone = x.clone();
  x.data()[4] = 50;
  CHECK(copy.data()[4] == 50);
  CHECK(flat.shape() == Shape{6});
  CHECK(flat.data()[4] == 50);
  CHECK(row.shape() == Shape{3});
  CHECK(row.data()[1] == 50);
  CHECK(clone.data()[4] == 5);
}

TEST_CASE_TEMPLATE("only a lone handle is unique", T, float, bfloat16) {
  Tensor<T> x({3});
  CHECK(x.unique());
  {
    const Tensor<T> other = x.slice(0, 1);
    CHECK_FALSE(x.unique());
  }
  CHECK(x.unique());
}

TEST_CASE("a slice of the leading axis is a view of its elements") {
  const Tensor<float> x({4, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
  const Tensor<float> middle = x.slice(1, 3);
  CHECK(middle.shape() == Shape{2, 2});
  CHECK(to_vector(middle) == std::vector<float>{2, 3, 4, 5});
  CHECK(x.slice(4, 4).size() == 0);
  CHECK_THROWS_WITH_AS(x.slice(1, 5), "slice: [1, 5) of the leading axis of (4, 2)", Error);
}

TEST_CASE("one extent of a reshape may be left to be worked out") {
  const Tensor<float> x({2, 6});
  CHECK(x.reshape({3, -1, 2}).shape() == Shape{3, 2, 2});
  CHECK_THROWS_WITH_AS(x.reshape({5, -1}), "reshape: (2, 6) does not fit into (5, 2)", Error);
}

TEST_CASE("an item is the only element") {
  CHECK(Tensor<double>({1, 1}, {3.5}).item() == 3.5);
  CHECK_THROWS_WITH_AS(Tensor<double>({2}).item(), "item: needs a tensor of one element, got shape (2)", Error);
}

TEST_CASE("elements must be as many as the shape holds") {
  CHECK_THROWS_WITH_AS(Tensor<float>({2, 2}, {1, 2, 3}), "Tensor: 3 elements for shape (2, 2)", Error);
}

TEST_CASE("no tensor is false, one without elements is a shape alone") {
  CHECK_FALSE(Tensor<float>{});
  const Tensor<float> x({2, 3});
  CHECK(x);
  CHECK_FALSE(x.without_elements());
  CHECK(x.without_elements().shape() == x.shape());
}

TEST_CASE("empty tensors can be made, copied and filled") {
  Tensor<float> x({0, 3});
  fill(x, 1.0F);
  CHECK(x.clone().size() == 0);
  CHECK(to_vector(x).empty());
}
