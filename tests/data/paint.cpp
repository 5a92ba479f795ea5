// SPDX-License-Identifier: MIT
#include <flipbook/data/paint.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace flipbook;

namespace {

constexpr std::array<float, 1> white{1};

Tensor<float> black(Index height, Index width) {
  Tensor<float> frame({height, width, 1});
  paint::fill(frame, std::array<float, 1>{0});
  return frame;
}
double area(const Tensor<float>& frame) {
  double sum = 0;
  for (const float value : frame) sum += value;
  return sum;
}

}  // namespace

TEST_CASE("a disc and a limb cover their areas, wherever between pixels they are") {
  for (const double shift : {0.0, 0.3, 0.5}) {
    const auto disc = black(31, 37), limb = black(31, 37);
    paint::disc(disc, white, 15 + shift, 14.2 + shift, 8);
    CHECK(area(disc) == doctest::Approx(64 * std::numbers::pi).epsilon(0.005));
    paint::segment(limb, white, 8 + shift, 9, 24, 18 + shift, 4);
    const double length = std::hypot(16 - shift, 9 + shift);
    CHECK(area(limb) == doctest::Approx(16 * std::numbers::pi + 8 * length).epsilon(0.005));
  }
}

TEST_CASE("pixels inside are of the colour, those outside as they were, those between a mixture") {
  Tensor<float> frame({9, 9, 3});
  paint::fill(frame, Colour{0.5F, 0.5F, 0.5F});
  paint::disc(frame, Colour{1, 0, 0.5F}, 4.5, 4.5, 2.25);
  const auto pixel = [&](Index row, Index column) { return frame.data() + 3 * (9 * row + column); };
  CHECK(pixel(4, 4)[0] == 1);
  CHECK(pixel(4, 4)[1] == 0);
  CHECK(pixel(4, 8)[0] == 0.5F);
  CHECK(pixel(4, 2)[0] == doctest::Approx(0.875));  // its centre is 2 from the middle: three quarters of it are inside
  CHECK(pixel(4, 2)[1] == doctest::Approx(0.125));
  CHECK(pixel(4, 2)[2] == 0.5F);
}

TEST_CASE("what lies outside of the frame is left out") {
  const auto frame = black(10, 12);
  paint::disc(frame, white, 0, 0, 4);
  CHECK(area(frame) == doctest::Approx(4 * std::numbers::pi).epsilon(0.02));  // a quarter
  const auto none = black(10, 12);
  paint::disc(none, white, -20, 5, 4);
  paint::segment(none, white, 5, 40, 9, 60, 4);
  CHECK(area(none) == 0);
}
