// SPDX-License-Identifier: MIT
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/scan/cumsum.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("running sums along every axis are sums of all before, in their order", T, float, double) {
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{5, 1}, Shape{3, 131}, Shape{131, 3}, Shape{2, 7, 67},
                             Shape{7, 2, 1, 3}, Shape{2, 3, 2, 3, 2, 3}, Shape{0, 3}, Shape{3, 0}}) {
    const auto x = random<T>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      CAPTURE(to_string(shape));
      CAPTURE(axis);
      auto expected = x.clone();
      each_index(shape, [&](const Indices& i) {
        Indices before = i;
        if (before[static_cast<std::size_t>(axis)]-- > 0) at(expected, i) = at(expected, before) + at(x, i);
      });
      CHECK(same(cumsum(x, axis), expected));
      CHECK(same(cumsum(x, axis - shape.rank()), expected));
    }
  }
}

TEST_CASE("the gradient of running sums sums from the end, to the second order") {
  const auto x = random<double>({3, 5, 4});
  for (const int axis : {0, 1, 2}) {
    const auto f = [axis](const auto& v) { return square(cumsum(v, axis)); };
    CHECK(gradient_error(f, x) < 1e-7);
    CHECK(second_gradient_error(f, x) < 1e-7);
  }
  Tape tape;
  const auto v = tape.variable(ones<float>({4}));
  CHECK(to_vector(tape.gradient(sum(cumsum(v, 0)), v)) == std::vector<float>{4, 3, 2, 1});
}

TEST_CASE("running sums have the same bits with any number of threads") {
  const int before = threads();
  for (const Shape& shape : {Shape{211, 257}, Shape{257, 1031}}) {
    const auto x = random<float>(shape);
    for (const int axis : {0, 1}) {
      set_threads(1);
      const auto serial = cumsum(x, axis);
      set_threads(3);
      CHECK(same(cumsum(x, axis), serial));
    }
  }
  set_threads(before);
}

TEST_CASE("an axis that is not there is refused") {
  CHECK(error_of([] { cumsum(zeros<float>({2, 3}), 2); }) == "Shape: axis 2 of a tensor of rank 2");
  CHECK_THROWS_AS(cumsum(full<float>({}, 1), 0), Error);
}

TEST_CASE_TEMPLATE("a range counts from 0", T, float, double) {
  for (const Index count : {0, 1, 17, 1025}) {
    CHECK(same(arange<T>(count), tabulated<T>({count}, [](const Indices& i) { return static_cast<double>(i[0]); })));
  }
}
