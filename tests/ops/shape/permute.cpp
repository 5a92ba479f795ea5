// SPDX-License-Identifier: MIT
#include <flipbook/ops/shape/permute.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("every order of the axes puts every element in its place", T, float, double, std::uint8_t) {
  for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{1, 37, 1, 41}, Shape{33, 2, 65, 3}}) {
    const auto x = numbered<T>(shape);
    std::array<int, 4> order{0, 1, 2, 3};
    do {
      Shape expected_shape;
      for (const int axis : order) expected_shape.push_back(shape[axis]);
      const auto expected = tabulated<T>(expected_shape, [&](const Indices& i) {
        Indices from{};
        for (std::size_t axis = 0; axis < 4; ++axis) from[static_cast<std::size_t>(order[axis])] = i[axis];
        return at(x, from);
      });
      CHECK(same(permute(x, {order[0], order[1], order[2], order[3]}), expected));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("an order that moves nothing shares memory") {
  const auto x = numbered<float>({4, 1, 3});
  CHECK(permute(x, {1, 0, 2}).data() == x.data());
  CHECK(permute(x, {2, 0, 1}).data() != x.data());
}

TEST_CASE("transposing exchanges two axes, and twice gives the tensor back") {
  const auto x = numbered<float>({2, 3, 5});
  CHECK(same(transpose(x), permute(x, {0, 2, 1})));
  CHECK(same(transpose(x, 0, -1), permute(x, {2, 1, 0})));
  CHECK(same(transpose(transpose(x, 0, 1), 0, 1), x));
  CHECK(same(transpose(x, 1, 1), x));
}

TEST_CASE("gradients of a permutation are exact to second order") {
  const auto x = random<double>({2, 3, 4});
  const auto f = [](const auto& v) { return square(permute(v, {2, 0, 1})); };
  CHECK(gradient_error(f, x) < 1e-8);
  CHECK(second_gradient_error(f, x) < 1e-7);
}

TEST_CASE("an order that does not name every axis once is refused") {
  const auto x = numbered<float>({2, 3});
  const std::string text = "permute: the order must name each of the 2 axes of (2, 3) once";
  CHECK(error_of([&] { permute(x, {0, 0}); }) == text);
  CHECK(error_of([&] { permute(x, {0}); }) == text);
  CHECK(error_of([&] { permute(x, {0, 2}); }) == "Shape: axis 2 of a tensor of rank 2");
}
