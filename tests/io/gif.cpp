// SPDX-License-Identifier: MIT
#include <flipbook/io/gif.hpp>

#include <doctest/doctest.h>
#include <gif_lib.h>

#include <limits>
#include <numeric>
#include <vector>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

struct Decoded {
  Tensor<std::uint8_t> pixels;  // (T, H, W, 3)
  std::vector<int> delays;
  bool loops = false;
};

// What giflib, which shares no line with the writer, reads.
Decoded decode(const std::filesystem::path& path) {
  int error = 0;
  GifFileType* gif = DGifOpenFileName(path.c_str(), &error);
  REQUIRE(gif != nullptr);
  REQUIRE(DGifSlurp(gif) == GIF_OK);
  Decoded decoded{Tensor<std::uint8_t>({gif->ImageCount, gif->SHeight, gif->SWidth, 3}), {}};
  std::uint8_t* to = decoded.pixels.data();
  for (int t = 0; t < gif->ImageCount; ++t) {
    const SavedImage& image = gif->SavedImages[t];
    for (int p = 0; p < gif->SHeight * gif->SWidth; ++p) {
      REQUIRE(image.RasterBits[p] < gif->SColorMap->ColorCount);
      const GifColorType& colour = gif->SColorMap->Colors[image.RasterBits[p]];
      *to++ = colour.Red, *to++ = colour.Green, *to++ = colour.Blue;
    }
    GraphicsControlBlock control;
    REQUIRE(DGifSavedExtensionToGCB(gif, t, &control) == GIF_OK);
    decoded.delays.push_back(control.DelayTime);
    for (int i = 0; i < image.ExtensionBlockCount; ++i)
      if (image.ExtensionBlocks[i].Function == APPLICATION_EXT_FUNC_CODE) decoded.loops = true;
  }
  REQUIRE(DGifCloseFile(gif, &error) == GIF_OK);
  return decoded;
}

Tensor<std::uint8_t> noise(const Shape& shape, Index levels, std::uint64_t seed = 1) {
  Rng rng{seed};
  Tensor<std::uint8_t> x(shape);
  for (auto& pixel : x) pixel = static_cast<std::uint8_t>(rng.below(levels) * 255 / std::max<Index>(1, levels - 1));
  return x;
}

double psnr(const Tensor<std::uint8_t>& a, const Tensor<std::uint8_t>& b) {
  double error = 0;
  for (Index i = 0; i < a.size(); ++i) error += (a.data()[i] - b.data()[i]) * (a.data()[i] - b.data()[i]);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / error);
}

}  // namespace

TEST_CASE("a grey clip is exact, of any size and any content") {
  Folder folder;
  // Noise fills the table of codes many times over; a flat frame makes its longest runs.
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 1, 3, 1}, Shape{3, 7, 13, 1}, Shape{2, 128, 131, 1}}) {
    for (const Index levels : {1, 2, 5, 256}) {
      const auto clip = noise(shape, levels);
      write_gif(folder / "x.gif", clip);
      const auto decoded = decode(folder / "x.gif").pixels;
      REQUIRE(decoded.shape() == shape.with_tail(1, {3}));
      for (Index i = 0; i < clip.size(); ++i)
        for (Index c = 0; c < 3; ++c) REQUIRE(decoded.data()[3 * i + c] == clip.data()[i]);
    }
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("a frame of any length ends where it should") {
  // The last codes may fall together with a widening of the codes, or with the end of the table.
  Folder folder;
  for (Index width = 1; width < 700; width += width < 300 ? 1 : 37) {
    const auto clip = noise({1, 1, width, 1}, 256, static_cast<std::uint64_t>(width));
    write_gif(folder / "x.gif", clip);
    const auto decoded = decode(folder / "x.gif").pixels;
    for (Index i = 0; i < width; ++i) REQUIRE(decoded.data()[3 * i] == clip.data()[i]);
  }
  for (Index width = 3800; width < 3870; ++width) {
    const auto clip = noise({1, 1, width, 1}, 256);
    write_gif(folder / "x.gif", clip);
    const auto decoded = decode(folder / "x.gif").pixels;
    for (Index i = 0; i < width; ++i) REQUIRE(decoded.data()[3 * i] == clip.data()[i]);
  }
}

TEST_CASE("a clip of at most 256 colours is exact") {
  Folder folder;
  for (const Index levels : {1, 2, 6}) {
    const auto clip = noise({2, 17, 19, 3}, levels);
    write_gif(folder / "x.gif", clip);
    CHECK(to_vector(decode(folder / "x.gif").pixels) == to_vector(clip));
  }
}

TEST_CASE("a clip of many colours comes close, and dithering keeps its local mean") {
  Folder folder;
  Tensor<std::uint8_t> clip({2, 64, 64, 3});
  for (Index t = 0; t < 2; ++t)
    for (Index y = 0; y < 64; ++y)
      for (Index x = 0; x < 64; ++x) {
        std::uint8_t* pixel = clip.data() + ((t * 64 + y) * 64 + x) * 3;
        pixel[0] = static_cast<std::uint8_t>(4 * x), pixel[1] = static_cast<std::uint8_t>(4 * y);
        pixel[2] = static_cast<std::uint8_t>(2 * (x + y) * t);
      }
  write_gif(folder / "plain.gif", clip, {.dither = false});
  write_gif(folder / "dithered.gif", clip);
  const auto plain = decode(folder / "plain.gif").pixels, dithered = decode(folder / "dithered.gif").pixels;
  CHECK(psnr(plain, clip) > 32);
  CHECK(psnr(dithered, clip) > 28);

  const auto block_error = [&](const Tensor<std::uint8_t>& shown) {
    double error = 0;
    for (Index t = 0; t < 2; ++t)
      for (Index block = 0; block < 64; ++block)
        for (Index c = 0; c < 3; ++c) {
          double difference = 0;
          for (Index p = 0; p < 64; ++p) {
            const Index at = ((t * 64 + block / 8 * 8 + p / 8) * 64 + block % 8 * 8 + p % 8) * 3 + c;
            difference += shown.data()[at] - clip.data()[at];
          }
          error += difference * difference / (64 * 64);
        }
    return error;
  };
  CHECK(block_error(dithered) < block_error(plain));
}

TEST_CASE("delays add up to the rate asked for, and looping can be chosen") {
  Folder folder;
  const auto clip = noise({12, 2, 2, 1}, 2);
  write_gif(folder / "x.gif", clip, {.frames_per_second = 12});
  const auto looped = decode(folder / "x.gif");
  CHECK(looped.loops);
  CHECK(std::accumulate(looped.delays.begin(), looped.delays.end(), 0) == 100);
  for (const int delay : looped.delays) CHECK((delay == 8 || delay == 9));
  write_gif(folder / "x.gif", clip, {.loop = false});
  CHECK_FALSE(decode(folder / "x.gif").loops);
}

TEST_CASE_TEMPLATE("numbers of [0, 1] are shown as pixels, and what is none is refused", T, float, double) {
  Folder folder;
  Tensor<T> clip({1, 1, 3, 1}, {0, T(0.5), 2});
  write_gif(folder / "x.gif", clip);
  CHECK(to_vector(decode(folder / "x.gif").pixels) == std::vector<std::uint8_t>{0, 0, 0, 128, 128, 128, 255, 255, 255});
  clip.data()[2] = std::numeric_limits<T>::quiet_NaN();
  mentions(error_of([&] { write_gif(folder / "y.gif", clip); }), "(0, 0, 2, 0)");
  CHECK(folder.entries() == 1);
}

TEST_CASE("shapes that are no clip, and options that cannot be had, are refused") {
  Folder folder;
  const auto path = folder / "x.gif";
  CHECK_THROWS_AS(write_gif(path, noise({2, 2, 1}, 2)), Error);
  CHECK_THROWS_AS(write_gif(path, noise({1, 2, 2, 2}, 2)), Error);
  CHECK_THROWS_AS(write_gif(path, noise({0, 2, 2, 1}, 2)), Error);
  CHECK_THROWS_AS(write_gif(path, noise({1, 1, 65536, 1}, 2)), Error);
  CHECK_THROWS_AS(write_gif(path, noise({1, 2, 2, 1}, 2), {.frames_per_second = 0}), Error);
  CHECK_THROWS_AS(write_gif(path, noise({1, 2, 2, 1}, 2), {.frames_per_second = std::nan("")}), Error);
  mentions(error_of([&] { write_gif(folder / "none/x.gif", noise({1, 2, 2, 1}, 2)); }), "none/x.gif");
}
