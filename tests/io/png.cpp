// SPDX-License-Identifier: MIT
#include <flipbook/io/png.hpp>

#include <doctest/doctest.h>

#include <limits>

#include <flipbook/io/image.hpp>

#include "files.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE("a written picture is read back exactly, grey and in colour, of any size") {
  Folder folder;
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{1, 1, 3}, Shape{7, 13, 3}, Shape{17, 5, 1}}) {
    Tensor<std::uint8_t> pixels(shape);
    for (Index i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<std::uint8_t>(i * 41);
    write_png(folder / "x.png", pixels);
    const auto back = read_image(folder / "x.png", shape.back());
    CHECK(back.shape() == shape);
    CHECK(to_vector(back) == to_vector(pixels));
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE_TEMPLATE("numbers are rounded to the nearest pixel and cut off at black and white", T, float, double) {
  Folder folder;
  write_png(folder / "x.png", Tensor<T>({1, 6, 1}, {-3, 0, T(0.5), T(100.4 / 255), 1, 7}));
  CHECK(to_vector(read_image(folder / "x.png", 1)) == std::vector<std::uint8_t>{0, 0, 128, 100, 255, 255});
}

TEST_CASE_TEMPLATE("a number that is none is refused with its place, and nothing is written", T, float, double) {
  Folder folder;
  const Tensor<T> image({1, 2, 1}, {0, std::numeric_limits<T>::quiet_NaN()});
  mentions(error_of([&] { write_png(folder / "x.png", image); }), "(0, 1, 0)");
  CHECK(folder.entries() == 0);
}

TEST_CASE("shapes that are no picture, and places that cannot be written, are refused") {
  Folder folder;
  CHECK_THROWS_AS(write_png(folder / "x.png", Tensor<std::uint8_t>({2, 2, 2})), Error);
  CHECK_THROWS_AS(write_png(folder / "x.png", Tensor<std::uint8_t>(Shape{2, 2})), Error);
  CHECK_THROWS_AS(write_png(folder / "x.png", Tensor<std::uint8_t>({0, 2, 1})), Error);
  mentions(error_of([&] { write_png(folder / "none/x.png", Tensor<std::uint8_t>({1, 1, 1})); }), "none/x.png");
}
