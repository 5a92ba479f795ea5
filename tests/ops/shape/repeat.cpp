// SPDX-License-Identifier: MIT
#include <flipbook/ops/shape/repeat.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("repeat_interleave repeats each element where it stands, along every axis", T, float, double) {
  const auto x = numbered<T>({3, 1, 5, 7});
  for (const int axis : {0, 1, 2, 3, -1}) {
    for (const Index repeats : {1, 2, 13}) {
      const auto at_axis = x.shape().place(axis);
      Shape shape = x.shape();
      shape[axis] *= repeats;
      const auto expected = tabulated<T>(shape, [&](Indices i) {
        i[at_axis] /= repeats;
        return at(x, i);
      });
      CHECK(same(repeat_interleave(x, repeats, axis), expected));
    }
  }
  CHECK(same(repeat_interleave(numbered<T>({2, 1, 1, 1, 1, 3}), 1), numbered<T>({2, 1, 1, 1, 1, 3})));
}

TEST_CASE("the gradient of repeat_interleave sums over the repeats") {
  Rng rng{1};
  const auto x = normal<double>({2, 3, 5}, rng);
  for (const int axis : {0, 1, 2}) {
    CHECK(gradient_error([&](const auto& v) { return square(repeat_interleave(v, 3, axis)); }, x) < 1e-7);
  }
}

TEST_CASE("no repeats, and an axis that is none, are refused") {
  const auto x = numbered<float>({2, 3});
  CHECK_THROWS_WITH_AS(repeat_interleave(x, 0), "repeat_interleave: 0 repeats of (2, 3); needs at least 1", Error);
  CHECK_THROWS_WITH_AS(repeat_interleave(x, 2, 2), "Shape: axis 2 of a tensor of rank 2", Error);
}
