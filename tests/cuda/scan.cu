// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/scan/cumsum.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("running sums along any axis, and their gradients, are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const Shape& shape :
       {Shape{1}, Shape{7}, Shape{300, 3}, Shape{3, 67}, Shape{2, 9, 5}, Shape{0, 3}, Shape{3, 0}}) {
    const auto x = random<double>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      CAPTURE(to_string(shape));
      CAPTURE(axis);
      const auto f = [axis](const auto& v) { return cumsum(v, axis); };
      CHECK(disagreement<T>(f, x) < device_tolerance<T>);
      if (x.size() > 0) CHECK(gradient_disagreement<T>(f, x) < device_tolerance<T>);
    }
  }
}
