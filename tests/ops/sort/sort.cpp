// SPDX-License-Identifier: MIT
#include <flipbook/ops/sort/sort.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("rows are sorted, and the indices say where their numbers stood", T, float, double) {
  for (const Shape& shape :
       {Shape{1}, Shape{17}, Shape{5, 1}, Shape{3, 131}, Shape{2, 3, 37}, Shape{0, 3}, Shape{3, 0}}) {
    for (const bool descending : {false, true}) {
      const auto x = random<T>(shape);
      const auto [values, indices] = sort(x, descending);
      auto expected = to_vector(x);
      for (auto row = expected.begin(); row != expected.end(); row += shape[-1]) {
        if (descending) std::sort(row, row + shape[-1], std::greater<>());
        else std::sort(row, row + shape[-1]);
      }
      CHECK(values.shape() == shape);
      CHECK(to_vector(values) == expected);
      CHECK(same(indices, argsort(x, descending)));
      std::vector<int> seen(static_cast<std::size_t>(x.size()));
      for (Index i = 0; i < x.size(); ++i) {
        const Index from = i / shape[-1] * shape[-1] + indices.data()[i];
        seen.at(static_cast<std::size_t>(from)) += 1;
        CHECK(x.data()[from] == values.data()[i]);
      }
      CHECK(std::count(seen.begin(), seen.end(), 1) == x.size());  // each place once
    }
  }
}

TEST_CASE_TEMPLATE("equal numbers stay in order, and NaN counts as the largest", T, float, double) {
  const T nan = std::numeric_limits<T>::quiet_NaN(), infinity = std::numeric_limits<T>::infinity();
  const Tensor<T> x({7}, {2, nan, 1, 2, infinity, nan, 1});
  CHECK(to_vector(argsort(x)) == std::vector<std::int32_t>{2, 6, 0, 3, 4, 1, 5});
  CHECK(to_vector(argsort(x, true)) == std::vector<std::int32_t>{1, 5, 4, 0, 3, 2, 6});
  Tensor<T> long_row = zeros<T>({1000});
  for (Index i = 0; i < 1000; ++i) long_row.data()[i] = T(i % 3);
  const auto order = argsort(long_row);
  for (Index i = 1; i < 1000; ++i) {
    const auto a = order.data()[i - 1], b = order.data()[i];
    REQUIRE((a % 3 < b % 3 || (a % 3 == b % 3 && a < b)));
  }
}

TEST_CASE("the gradient of a sorted value goes to where it stood, to the second order") {
  const auto x = random<double>({3, 7});
  for (const bool descending : {false, true}) {
    const auto f = [descending](const auto& v) { return square(sort(v, descending).values); };
    CHECK(gradient_error(f, x) < 1e-7);
    CHECK(second_gradient_error(f, x) < 1e-7);
  }
}

TEST_CASE("the order does not depend on the number of threads") {
  const auto x = random<float>({211, 57});
  const int before = threads();
  set_threads(1);
  const auto serial = argsort(x);
  set_threads(3);
  CHECK(same(argsort(x), serial));
  set_threads(before);
}

TEST_CASE("a single number is refused") {
  CHECK(error_of([] { sort(full<float>({}, 1)); }) == "sort: a single number has no axis to sort along");
}
