// SPDX-License-Identifier: MIT
#include <flipbook/io/stored.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace flipbook;

namespace {
half of_bits(int bits) { return std::bit_cast<half>(static_cast<std::uint16_t>(bits)); }
}  // namespace

TEST_CASE("every half-precision number becomes the float of the same value") {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const int exponent = bits >> 10, fraction = bits & 1023;
    const float expected = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                         : std::ldexp(1 + static_cast<float>(fraction) / 1024, exponent - 15);
    REQUIRE(float{of_bits(bits)} == expected);
    REQUIRE(float{of_bits(bits | 0x8000)} == -expected);
  }
  CHECK(float{of_bits(0x7c00)} == std::numeric_limits<float>::infinity());
  CHECK(float{of_bits(0xfc00)} == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(float{of_bits(0x7e01)}));
}

TEST_CASE("a flag is true whatever byte stands for it") {
  const std::vector<std::uint8_t> bytes{0, 1, 2, 255};
  CHECK(to_vector(from_stored<std::uint8_t>(Stored::boolean, {4}, bytes, "x")) ==
        std::vector<std::uint8_t>{0, 1, 1, 1});
}

TEST_CASE("whole numbers widen with their sign, from any alignment") {
  const std::vector<std::uint8_t> bytes{9, 0xfe, 0xff, 3, 0};
  const auto wide = from_stored<std::int64_t>(Stored::i16, {2}, std::span(bytes).subspan(1), "x");
  CHECK(to_vector(wide) == std::vector<std::int64_t>{-2, 3});
  CHECK(from_stored<std::int32_t>(Stored::i8, {1}, std::span(bytes).subspan(1, 1), "x").item() == -2);
  CHECK_THROWS_AS(from_stored<std::uint8_t>(Stored::i8, {1}, std::span(bytes).first(1), "x"), Error);
  CHECK_THROWS_WITH_AS(from_stored<float>(Stored::i8, {2}, std::span(bytes).first(1), "x"), "x: 1 bytes for shape (2)",
                       Error);
}

TEST_CASE("a finite number that the type cannot hold is refused, an infinite one stays infinite") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor<double> x({3}, {1, -infinity, 1e300});
  CHECK_THROWS_WITH_AS(from_stored<float>(Stored::f64, {3}, as_bytes(x), "x"),
                       doctest::Contains("x: element 2 is larger than"), Error);
  CHECK(std::isinf(from_stored<float>(Stored::f64, {2}, as_bytes(x).first(16), "x").data()[1]));
  const Tensor<float> y({1}, {1e5F});
  CHECK_THROWS_AS(from_stored<half>(Stored::f32, {1}, as_bytes(y), "y"), Error);
}

TEST_CASE("a product of extents is given only where it fits") {
  CHECK(checked_product(std::vector<std::uint64_t>{}, 4) == Index{4});
  CHECK(checked_product(std::vector<std::uint64_t>{3, 0, 5}, 8) == Index{0});
  CHECK(checked_product(std::vector<std::uint64_t>{3, 5}, 8) == Index{120});
  CHECK_FALSE(checked_product(std::vector<std::uint64_t>{0, 1ULL << 40, 1ULL << 40}));
  CHECK_FALSE(checked_product(std::vector<std::uint64_t>{1ULL << 40, 1ULL << 40, 0}));
  CHECK_FALSE(checked_product(std::vector<std::uint64_t>{1ULL << 63}));
  CHECK_FALSE(checked_product(std::vector<std::uint64_t>{1ULL << 32, 1ULL << 31}));
  CHECK_FALSE(checked_product(std::vector<std::uint64_t>{1ULL << 61}, 8));
}
