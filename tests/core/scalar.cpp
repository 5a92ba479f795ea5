// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/scalar.hpp>

using namespace flipbook;

TEST_CASE("bfloat16 rounds to nearest, ties to even") {
  CHECK(float(bfloat16(1.0F)) == 1.0F);
  CHECK(float(bfloat16(1.0F + 0x1p-8F)) == 1.0F);                // a tie, down to even
  CHECK(float(bfloat16(1.0F + 3 * 0x1p-8F)) == 1.0F + 0x1p-6F);  // a tie, up to even
  CHECK(float(bfloat16(1.0F + 0x1p-8F + 0x1p-20F)) == 1.0F + 0x1p-7F);
  CHECK(float(bfloat16(-2.5F)) == -2.5F);
}

TEST_CASE("bfloat16 keeps infinities and NaN, and overflows to infinity") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(float(bfloat16(infinity)) == infinity);
  CHECK(float(bfloat16(-infinity)) == -infinity);
  CHECK(float(bfloat16(std::numeric_limits<float>::max())) == infinity);
  CHECK(std::isnan(float(bfloat16(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("half keeps every number that it has, and rounds those between two to the nearer one") {
  for (int bits = 0; bits < 0x7c00; ++bits) {
    const auto here = std::bit_cast<half>(static_cast<std::uint16_t>(bits));
    const auto next = std::bit_cast<half>(static_cast<std::uint16_t>(bits + 1));
    const float low = here, high = bits == 0x7bff ? 65536.0F : float(next), middle = (low + high) / 2;
    REQUIRE(half(low).bits == bits);
    REQUIRE(half(-low).bits == (bits | 0x8000));
    REQUIRE(half(std::nextafter(middle, low)).bits == bits);
    REQUIRE(half(std::nextafter(middle, high)).bits == bits + 1);
    REQUIRE(half(middle).bits == bits + bits % 2);  // a tie, to even
  }
}

TEST_CASE("half keeps infinities and NaN, and overflows to infinity") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(float(half(infinity)) == infinity);
  CHECK(float(half(-infinity)) == -infinity);
  CHECK(float(half(std::numeric_limits<float>::max())) == infinity);
  CHECK(half(std::numeric_limits<float>::denorm_min()).bits == 0);
  CHECK(std::isnan(float(half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("a tensor cast to bfloat16 and back is within its precision") {
  Rng rng{1};
  const Tensor<float> x = normal<float>({1000}, rng), y = cast<float>(cast<bfloat16>(x));
  for (Index i = 0; i < x.size(); ++i) CHECK(std::abs(x.data()[i] - y.data()[i]) <= std::abs(x.data()[i]) * 0x1p-8F);
}

TEST_CASE("casts convert as static_cast does") {
  const Tensor<double> x({3}, {1.9, -1.9, 200.0});
  CHECK(to_vector(cast<std::int32_t>(x)) == std::vector<std::int32_t>{1, -1, 200});
  CHECK(to_vector(cast<float>(x)) == std::vector<float>{1.9F, -1.9F, 200.0F});
}
