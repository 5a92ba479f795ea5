// SPDX-License-Identifier: MIT
#include <flipbook/io/palette.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include <flipbook/core/random.hpp>

using namespace flipbook;

TEST_CASE("colours that fit are all there and found exactly") {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 256; ++i)
    for (const int channel : {i, 255 - i, i * 7 % 256}) pixels.push_back(static_cast<std::uint8_t>(channel));
  const auto palette = Palette::fit(pixels);
  CHECK(palette.colours().size() == 256);
  for (std::size_t p = 0; p < pixels.size(); p += 3) {
    const Rgb colour{pixels[p], pixels[p + 1], pixels[p + 2]};
    CHECK(palette.colours()[palette.nearest(colour)] == colour);
  }
}

TEST_CASE("the nearest colour is the one that a plain search finds") {
  std::vector<std::uint8_t> pixels(3 * 5000);
  Rng rng{3};
  for (auto& value : pixels) value = static_cast<std::uint8_t>(rng.below(256));
  const auto palette = Palette::fit(pixels);
  CHECK(palette.colours().size() == 256);
  const auto distance = [](const Rgb& a, const Rgb& b) {
    int sum = 0;
    for (std::size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
    return sum;
  };
  for (std::size_t p = 0; p < 300; p += 3) {
    const Rgb colour{pixels[p], pixels[p + 1], pixels[p + 2]};
    int least = 1 << 30;
    for (const Rgb& other : palette.colours()) least = std::min(least, distance(colour, other));
    CHECK(distance(palette.colours()[palette.nearest(colour)], colour) == least);
  }
}

TEST_CASE("a fitted palette beats a regular one of the same size") {
  // Colours along a curve, as pictures have them: a regular grid spends most of its colours elsewhere.
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 256; ++i)
    for (int j = 0; j < 8; ++j)
      for (const int channel : {i, i * i / 255, std::min(255, 255 - i + j)})
        pixels.push_back(static_cast<std::uint8_t>(channel));
  const auto palette = Palette::fit(pixels);
  double fitted = 0, regular = 0;
  for (std::size_t p = 0; p < pixels.size(); p += 3) {
    const Rgb colour{pixels[p], pixels[p + 1], pixels[p + 2]}, near = palette.colours()[palette.nearest(colour)];
    const Rgb grid{static_cast<std::uint8_t>(colour[0] / 32 * 32 + 16),
                   static_cast<std::uint8_t>(colour[1] / 32 * 32 + 16),
                   static_cast<std::uint8_t>(colour[2] / 64 * 64 + 32)};
    for (std::size_t c = 0; c < 3; ++c) {
      fitted += (near[c] - colour[c]) * (near[c] - colour[c]);
      regular += (grid[c] - colour[c]) * (grid[c] - colour[c]);
    }
  }
  CHECK(fitted * 20 < regular);
}

TEST_CASE("grey is every shade in order") {
  const auto palette = Palette::grey();
  for (int i = 0; i < 256; ++i) {
    const auto shade = static_cast<std::uint8_t>(i);
    CHECK(palette.nearest({shade, shade, shade}) == i);
  }
}
