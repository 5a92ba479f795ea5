// SPDX-License-Identifier: MIT
#include <flipbook/io/colour_map.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace flipbook;

TEST_CASE("colours are mixed between their places, and end where the map does") {
  const ColourMap map({{0, 0, 100}, {100, 0, 0}, {100, 200, 0}});
  CHECK(map(0) == Rgb{0, 0, 100});
  CHECK(map(0.25F) == Rgb{50, 0, 50});
  CHECK(map(0.75F) == Rgb{100, 100, 0});
  CHECK(map(1) == Rgb{100, 200, 0});
  CHECK(map(-3) == map(0));
  CHECK(map(7) == map(1));
  CHECK_THROWS_AS(ColourMap({{1, 2, 3}}), Error);
}

TEST_CASE("frames are coloured in equal levels, the ends of the map among them") {
  const auto map = ColourMap::named("grey");
  const Tensor<float> frames({2, 3, 1}, {-1, 0.1F, 0.34F, 0.5F, 0.7F, 2});
  CHECK(to_vector(map(frames, 3)) ==
        std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 128, 128, 128, 128, 128, 128, 255, 255, 255, 255, 255, 255});
  CHECK(map(frames).shape() == Shape{2, 3, 3});
  CHECK(map(frames).data()[3] == 25);
  CHECK_THROWS_AS(map(Tensor<float>({2, 3})), Error);
  CHECK_THROWS_AS(map(frames, 1), Error);
  CHECK_THROWS_AS(map(Tensor<float>({1, 1}, {std::numeric_limits<float>::quiet_NaN()})), Error);
}

TEST_CASE("known maps are found by name, and others refused with the names that there are") {
  CHECK(ColourMap::named("viridis")(1) == Rgb{0xfd, 0xe7, 0x25});
  CHECK(ColourMap::named("balance")(0.5F) == Rgb{0xf7, 0xf7, 0xf7});
  CHECK_THROWS_WITH_AS(ColourMap::named("rainbow"),
                       "ColourMap: there is none named 'rainbow' (grey, viridis, inferno, balance, radar)", Error);
}
