// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/attention/rotary.hpp>
#include "../tensors.hpp"

using namespace flipbook;
using test::difference;
using test::random;

TEST_CASE_TEMPLATE("rotary positions turn pairs by position times frequency", T, float, double) {
  for (const Index width : {2, 6, 34}) {
    const auto x = random<T>({2, 5, 3, width});
    const Index half = width / 2;
    const auto y = apply_rotary(x, position_angles<T, Cpu>({5}, half, 7), 2);
    const auto expected = test::tabulated<T>(x.shape(), [&](const test::Indices& at) {
      const auto [n, l, group, d] = std::array{at[0], at[1], at[2], at[3]};
      if (group == 2) return double(test::at(x, at));
      const double angle = double(l + 7) * std::pow(10000.0, -double(d % half) / double(half));
      const double a = test::at(x, {n, l, group, d % half}), b = test::at(x, {n, l, group, d % half + half});
      return d < half ? a * std::cos(angle) - b * std::sin(angle) : b * std::cos(angle) + a * std::sin(angle);
    });
    CHECK(difference(y, expected) < 1e-6);
  }
}

TEST_CASE("with three axes every axis has a share of the pairs") {
  const auto all = position_angles<double, Cpu>({2, 3, 4}, 7, 5);
  const auto t = position_angles<double, Cpu>({2}, 2, 5), h = position_angles<double, Cpu>({3}, 2),
             w = position_angles<double, Cpu>({4}, 3);
  REQUIRE(all.sines.shape() == Shape{24, 7});
  test::each_index(Shape{2, 3, 4}, [&](const test::Indices& at) {
    const double* const row = all.sines.data() + (at[0] * 12 + at[1] * 4 + at[2]) * 7;
    for (Index j = 0; j < 2; ++j) CHECK(row[j] == t.sines.data()[at[0] * 2 + j]);
    for (Index j = 0; j < 2; ++j) CHECK(row[2 + j] == h.sines.data()[at[1] * 2 + j]);
    for (Index j = 0; j < 3; ++j) CHECK(row[4 + j] == w.sines.data()[at[2] * 3 + j]);
  });
}

TEST_CASE("products of rotated vectors depend on the distance of their positions alone") {
  const auto q = random<double>({1, 1, 1, 16}, 1), k = random<double>({1, 1, 1, 16}, 2);
  const auto product = [&](Index i, Index j) {
    return sum(apply_rotary(q, position_angles<double, Cpu>({1}, 8, i)) *
               apply_rotary(k, position_angles<double, Cpu>({1}, 8, j)))
        .item();
  };
  CHECK(product(3, 1) == doctest::Approx(product(12, 10)));
  CHECK(product(3, 1) != doctest::Approx(product(3, 2)));
}

TEST_CASE("gradients of a rotation agree with difference quotients, to the second order") {
  const auto f = [](const auto& x) { return square(apply_rotary(x, position_angles<double, Cpu>({3}, 3), 1)); };
  const auto x = random<double>({2, 3, 2, 6});
  CHECK(gradient_error(f, x) < 1e-7);
  CHECK(second_gradient_error(f, x) < 1e-6);
}

TEST_CASE("angles that do not fit are refused") {
  const auto angles = position_angles<float, Cpu>({3}, 2);
  CHECK(test::error_of([&] {
          apply_rotary(zeros<float>({2, 4, 1, 4}), angles);
        }) == "apply_rotary: input (2, 4, 1, 4) with angles (3, 2); need (N, L, …, D) and (L, D/2)");
  CHECK_THROWS_AS(apply_rotary(zeros<float>({2, 3, 1, 5}), angles), Error);
  CHECK_THROWS_AS(apply_rotary(zeros<float>({2, 3, 1, 4}), angles, 2), Error);
}
