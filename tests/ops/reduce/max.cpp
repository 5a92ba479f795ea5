// SPDX-License-Identifier: MIT
#include <flipbook/ops/reduce/max.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

const std::vector<Shape> shapes{{1}, {17}, {5, 1}, {1, 5}, {3, 131}, {2, 3, 5}, {7, 2, 1, 3}, {2, 3, 2, 3, 2, 3}};

// The place of the largest number times `sign`, one after another: of the kept shape.
template <class T>
Tensor<std::int32_t> plain_arg(const Tensor<T>& x, int axis, int sign) {
  return tabulated<std::int32_t>(with(x.shape(), axis, 1), [&](const Indices& at_zero) {
    Index best = 0;
    for (Index i = 1; i < x.extent(axis); ++i) {
      if (T(sign) * at(x, with(at_zero, axis, i)) > T(sign) * at(x, with(at_zero, axis, best))) best = i;
    }
    return best;
  });
}

}  // namespace

TEST_CASE_TEMPLATE("largest and smallest numbers along every axis, and where they are", T, float, double) {
  for (const Shape& shape : shapes) {
    const auto x = random<T>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      CAPTURE(to_string(shape));
      CAPTURE(axis);
      const auto most = plain_arg(x, axis, 1), least = plain_arg(x, axis, -1);
      const auto values = [&](const Tensor<std::int32_t>& places) {
        return tabulated<T>(places.shape(), [&](const Indices& i) { return at(x, with(i, axis, at(places, i))); });
      };
      CHECK(same(argmax(x, axis), most.reshape(argmax(x, axis).shape())));
      CHECK(argmax(x, axis).rank() == shape.rank() - 1);
      CHECK(same(argmin(x, axis), least.reshape(argmin(x, axis).shape())));
      CHECK(same(max(x, axis), values(most)));
      CHECK(same(min(x, axis - shape.rank()), values(least)));
      CHECK(same(max(x, axis, true), values(most).reshape(argmax(x, axis).shape())));
    }
    CHECK(max(x).item() == *std::max_element(x.begin(), x.end()));
    CHECK(min(x).item() == *std::min_element(x.begin(), x.end()));
    CHECK(max(x).shape() == Shape{});
  }
}

TEST_CASE_TEMPLATE("the first of several that are largest is named, and a NaN above all", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  const Tensor<T> x({4, 4},
                    {1, 3, 3, 0, 0, 0, 0, 0, infinity, nan, 2, nan, -infinity, -infinity, -infinity, -infinity});
  CHECK(to_vector(argmax(x, 1)) == std::vector<std::int32_t>{1, 0, 1, 0});
  CHECK(to_vector(argmin(x, 1)) == std::vector<std::int32_t>{3, 0, 1, 0});
  CHECK(std::isnan(max(x, 1).data()[2]));
  CHECK(std::isnan(min(x).item()));
  CHECK(max(x, 1).data()[3] == -infinity);
}

TEST_CASE("the gradient of a maximum goes to its place, to the second order") {
  const auto x = random<double>({3, 5, 4});
  for (const int axis : {0, 1, 2}) {
    const auto f = [axis](const auto& v) { return square(max(v, axis)) + min(square(v), axis); };
    CHECK(gradient_error(f, x) < 1e-7);
    CHECK(second_gradient_error(f, x) < 1e-7);
  }
  Tape tape;
  const auto v = tape.variable(Tensor<double>({2, 3}, {1, 5, 5, 7, 2, 3}));
  CHECK(to_vector(tape.gradient(sum(max(v, 1)), v)) == std::vector<double>{0, 1, 0, 1, 0, 0});
}

TEST_CASE("places do not depend on the number of threads") {
  const auto x = random<float>({211, 257});
  const int before = threads();
  set_threads(1);
  const auto serial = argmax(x, 1);
  set_threads(3);
  CHECK(same(argmax(x, 1), serial));
  set_threads(before);
}

TEST_CASE("an axis without elements, or none, is refused; nothing to compare is not") {
  CHECK(error_of([] { max(zeros<float>({2, 0}), 1); }) == "max: the axis has no elements, shape (2, 0)");
  CHECK(error_of([] { argmin(zeros<float>({0, 2}), 0); }) == "argmin: the axis has no elements, shape (2, 0)");
  CHECK_THROWS_AS(max(zeros<float>({2, 3}), 2), Error);
  CHECK_THROWS_AS(argmax(full<float>({}, 1), 0), Error);
  CHECK(max(zeros<float>({0, 2}), 1).shape() == Shape{0, 1});
}
