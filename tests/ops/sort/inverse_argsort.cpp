// SPDX-License-Identifier: MIT
#include <flipbook/ops/sort/inverse_argsort.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("the place of each number in its sorted row is how many come before it", T, float, double,
                   bfloat16) {
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{5, 1}, Shape{3, 131}, Shape{2, 3, 37}, Shape{0, 3}}) {
    const auto x = cast<T>(round(random<double>(shape) * 8));  // many are equal: these stay in order
    const auto places = inverse_argsort(x);
    REQUIRE(places.shape() == shape);
    const Index count = shape[-1];
    bool right = true;
    for (Index i = 0; i < x.size(); ++i) {
      const Index row = i / count * count;
      Index before = 0;
      for (Index j = row; j < row + count; ++j) {
        const double here = static_cast<double>(x.data()[i]), there = static_cast<double>(x.data()[j]);
        before += there < here || (there == here && j < i);
      }
      right = right && places.data()[i] == before;
    }
    CHECK(right);
  }
}

TEST_CASE("infinite numbers have places, and a single number has none") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float> x({5}, {infinity, 2, -infinity, infinity, 3});
  CHECK(to_vector(inverse_argsort(x)) == std::vector<std::int32_t>{3, 1, 0, 4, 2});
  CHECK_THROWS_AS(inverse_argsort(ones<float>(Shape{})), Error);
}
