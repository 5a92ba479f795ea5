// SPDX-License-Identifier: MIT
#include <flipbook/ops/gather/gather.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

const std::vector<Shape> shapes{{1}, {17}, {5, 3}, {1, 13}, {2, 7, 5}, {3, 2, 5, 4}, {2, 3, 2, 3, 2, 3}};

}  // namespace

TEST_CASE_TEMPLATE("places are selected along any axis, the same for all lines", T, float, double) {
  for (const Shape& shape : shapes) {
    const auto x = random<T>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (const Index count : {0, 1, 4, 19}) {
        const auto indices = drawn_indices({count}, shape[axis]);
        const auto expected = tabulated<T>(with(shape, axis, count), [&](const Indices& i) {
          return at(x, with(i, axis, at(indices, {i[static_cast<std::size_t>(axis)]})));
        });
        CHECK(same(index_select(x, axis, indices), expected));
        CHECK(same(index_select(x, axis - shape.rank(), indices), expected));
      }
    }
  }
}

TEST_CASE_TEMPLATE("places are taken along any axis, of each line its own", T, float, double) {
  for (const Shape& shape : shapes) {
    const auto x = random<T>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      for (const Index count : {0, 1, 4, 19}) {
        const auto index = drawn_indices(with(shape, axis, count), shape[axis]);
        const auto expected =
            tabulated<T>(index.shape(), [&](const Indices& i) { return at(x, with(i, axis, at(index, i))); });
        CHECK(same(take_along_axis(x, index, axis), expected));
        CHECK(same(gather(x, axis - shape.rank(), index), expected));
      }
    }
  }
}

TEST_CASE("gradients add up over every use of a place, and are exact to second order") {
  const auto x = random<double>({3, 4, 5});
  for (const int axis : {0, 1, 2}) {
    const auto few = drawn_indices({7}, x.extent(axis)),
               of_each = drawn_indices(with(x.shape(), axis, 6), x.extent(axis));
    const auto select = [&](const auto& v) { return square(index_select(v, axis, few)); };
    const auto take = [&](const auto& v) { return square(take_along_axis(v, of_each, axis)); };
    CHECK(gradient_error(select, x) < 1e-7);
    CHECK(second_gradient_error(select, x) < 1e-7);
    CHECK(gradient_error(take, x) < 1e-7);
    CHECK(second_gradient_error(take, x) < 1e-7);
  }
}

TEST_CASE_TEMPLATE("the gradient of what is taken has the same bits with any number of threads", T, float, double) {
  const auto x = random<T>({1031, 7}), dy = random<T>({1031, 11}, 2);
  const auto index = drawn_indices({1031, 11}, 7);
  const auto gradient = [&] {
    Tape tape;
    const auto v = tape.variable(x);
    return tape.gradient(sum(take_along_axis(v, index, 1) * dy), v);
  };
  auto expected = zeros<T>({1031, 7});
  each_index(dy.shape(), [&](const Indices& i) { at(expected, {i[0], at(index, i)}) += at(dy, i); });
  const int before = threads();
  for (const int team : {1, 3}) {
    set_threads(team);
    CHECK(same(gradient(), expected));
  }
  set_threads(before);
}

TEST_CASE("indices out of range and shapes that do not fit are refused") {
  const auto x = random<float>({2, 3});
  const Tensor<std::int32_t> stray({1}, {3}), negative({2, 1}, {0, -1});
  CHECK(error_of([&] { index_select(x, 1, stray); }) == "index_select: index 3 is not in [0, 3)");
  CHECK(error_of([&] { index_select(x, 0, negative); }) ==
        "index_select: needs a list of indices (k), got shape (2, 1)");
  CHECK(error_of([&] { take_along_axis(x, negative, 1); }) == "take_along_axis: index -1 is not in [0, 3)");
  CHECK(error_of([&] { take_along_axis(x, negative, 0); }) ==
        "take_along_axis: indices of shape (2, 1) along axis 0 of (2, 3); the other extents must be the same");
  CHECK(error_of([&] { gather(x, 1, stray); }) ==
        "take_along_axis: indices of shape (1) along axis 1 of (2, 3); the other extents must be the same");
  CHECK_THROWS_AS(index_select(x, 2, stray), Error);
  const Tensor<std::int32_t> first({2, 1}, {0, 0});  // an axis without places has not even this one
  CHECK(error_of([&] {
          take_along_axis(Tensor<float>({2, 0}), first, 1);
        }) == "take_along_axis: index 0 is not in [0, 0)");
  CHECK(error_of([&] { take_along_axis(Tensor<float>({2, 0}), first[0].reshape({1})); }) != "");
  CHECK(error_of([&] {
          index_select(Tensor<float>({2, 0}), 1, first[0]);
        }) == "index_select: index 0 is not in [0, 0)");
}
