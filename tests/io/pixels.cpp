// SPDX-License-Identifier: MIT
#include <flipbook/io/pixels.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace flipbook;

TEST_CASE_TEMPLATE("every pixel survives being a number", T, float, double) {
  Tensor<std::uint8_t> pixels({256});
  Tensor<T> numbers({256});
  for (Index i = 0; i < 256; ++i) {
    pixels.data()[i] = static_cast<std::uint8_t>(i);
    numbers.data()[i] = static_cast<T>(i) / 255;
  }
  CHECK(to_vector(to_bytes(numbers)) == to_vector(pixels));
  CHECK(to_vector(to_bytes(to_unit(pixels))) == to_vector(pixels));
}

TEST_CASE_TEMPLATE("numbers outside of [0, 1] become black and white, halves round up", T, float, double) {
  const Tensor<T> x({5}, {-1, T(0.5) / 255, T(0.49) / 255, T(1.001), 300});
  CHECK(to_vector(to_bytes(x)) == std::vector<std::uint8_t>{0, 1, 0, 255, 255});
}

TEST_CASE_TEMPLATE("the first number that may not be is named with its place and value", T, float, double) {
  constexpr T infinity = std::numeric_limits<T>::infinity(), none = std::numeric_limits<T>::quiet_NaN();
  CHECK_THROWS_WITH_AS(require_finite(Tensor<T>({2, 1, 2}, {0, 1, infinity, none}), "x"),
                       "x: element (1, 0, 0) of (2, 1, 2) is inf", Error);
  CHECK_THROWS_AS(require_finite(Tensor<T>(Shape{}, {none}), "x"), Error);
  CHECK_NOTHROW(require_finite(Tensor<T>({2}, {-7, 300}), "x"));
  CHECK_THROWS_AS(require_unit(Tensor<T>({1}, {T(1.001)}), "x"), Error);
  CHECK_THROWS_AS(require_unit(Tensor<T>({1}, {none}), "x"), Error);
  CHECK_NOTHROW(require_unit(Tensor<T>({2}, {0, 1}), "x"));
  CHECK_NOTHROW(require_unit(Tensor<T>({0}), "x"));
}
