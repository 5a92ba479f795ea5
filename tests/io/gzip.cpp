// SPDX-License-Identifier: MIT
#include <flipbook/io/gzip.hpp>

#include <doctest/doctest.h>

#include "gzip.hpp"

using namespace flipbook;
using flipbook::test::gzip;

TEST_CASE("what was packed comes out, up to the limit") {
  for (const std::size_t length : {std::size_t{1}, std::size_t{65536}, std::size_t{300001}}) {
    Bytes bytes(length);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = static_cast<std::uint8_t>(i * i >> 7);
    const Bytes packed = gzip(bytes);
    CHECK(is_gzip(packed));
    CHECK(gunzip(packed, length + 10) == bytes);
    CHECK(gunzip(packed, length / 2) == Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length / 2)));
  }
  CHECK(gunzip(gzip({}), 10).empty());
}

TEST_CASE("a small file that unpacks to a large one costs its limit") {
  const Bytes packed = gzip(Bytes(50'000'000));
  REQUIRE(packed.size() < 100'000);
  const Bytes out = gunzip(packed, 1000);
  CHECK(out.size() == 1000);
  CHECK(out.capacity() < 10'000);
}

TEST_CASE("what is cut, changed or followed by more is refused") {
  const Bytes packed = gzip(Bytes{1, 2, 3, 4, 5});
  for (std::size_t length = 0; length < packed.size(); ++length)
    CHECK_THROWS_AS(gunzip(std::span(packed).first(length), 100), Error);
  Bytes longer = packed;
  longer.push_back(7);
  CHECK_THROWS_AS(gunzip(longer, 100), Error);
  Bytes changed = packed;
  changed[packed.size() - 6] ^= 1;
  CHECK_THROWS_AS(gunzip(changed, 100), Error);
}
