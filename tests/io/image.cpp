// SPDX-License-Identifier: MIT
#include <flipbook/io/image.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/core/fill.hpp>

#include "files.hpp"
#include "jpeg.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// A soft gradient, as photographs are.
Tensor<std::uint8_t> gradient(Index h, Index w, Index c) {
  Tensor<std::uint8_t> image({h, w, c});
  for (Index y = 0; y < h; ++y)
    for (Index x = 0; x < w; ++x)
      for (Index k = 0; k < c; ++k)
        image.data()[(y * w + x) * c + k] = static_cast<std::uint8_t>(40 + 150 * y / h + (k == 1 ? 50 * x / w : 20));
  return image;
}

const auto read_picture = [](const std::filesystem::path& path) { return read_image(path); };

}  // namespace

TEST_CASE("a JPEG is read close to what was packed, plain or progressive, grey or in colour") {
  Folder folder;
  for (const bool progressive : {false, true}) {
    for (const Index channels : {1, 3}) {
      const auto image = gradient(19, 37, channels);
      const auto path = with_bytes(folder / "x.jpg", jpeg_bytes(image, progressive));
      const auto back = read_image(path, channels);
      REQUIRE(back.shape() == image.shape());
      for (Index i = 0; i < image.size(); ++i) REQUIRE(std::abs(int{back.data()[i]} - int{image.data()[i]}) <= 12);
    }
  }
}

TEST_CASE("channels are converted as asked, whatever the file has") {
  Folder folder;
  write_png(folder / "grey.png", gradient(3, 4, 1));
  const auto colour = read_image(folder / "grey.png", 3);
  CHECK(colour.shape() == Shape{3, 4, 3});
  for (Index p = 0; p < 12; ++p) CHECK(colour.data()[3 * p] == colour.data()[3 * p + 2]);
  with_bytes(folder / "colour.jpg", jpeg_bytes(gradient(9, 8, 3)));
  CHECK(read_image(folder / "colour.jpg", 1).shape() == Shape{9, 8, 1});
  CHECK_THROWS_AS(read_image(folder / "grey.png", 2), Error);
}

TEST_CASE("every shortened picture is refused") {
  Folder folder;
  write_png(folder / "x.png", gradient(5, 7, 3));
  check_prefixes_refused(folder / "x.png", read_picture);
  check_prefixes_refused(with_bytes(folder / "x.jpg", jpeg_bytes(gradient(9, 11, 3))), read_picture);
  check_prefixes_refused(with_bytes(folder / "p.jpg", jpeg_bytes(gradient(9, 11, 3), true)), read_picture);
  check_no_file_refused(read_picture);
}

TEST_CASE("a damaged picture is refused or read, and does no harm") {
  Folder folder;
  write_png(folder / "x.png", gradient(5, 7, 3));
  check_survives_damage(folder / "x.png", read_picture, 1000);
  check_survives_damage(with_bytes(folder / "x.jpg", jpeg_bytes(gradient(9, 11, 3))), read_picture, 1000);
  check_survives_damage(with_bytes(folder / "p.jpg", jpeg_bytes(gradient(9, 11, 3), true)), read_picture, 1000);
}

TEST_CASE("a picture that states more pixels than its bytes can hold is refused before memory is spent") {
  Folder folder;
  Bytes jpeg = jpeg_bytes(gradient(9, 11, 3));
  const std::uint8_t frame[] = {0xff, 0xc0};
  const auto at = std::search(jpeg.begin(), jpeg.end(), std::begin(frame), std::end(frame));
  REQUIRE(at != jpeg.end());
  std::fill_n(at + 5, 4, std::uint8_t{0x1f});
  const auto path = with_bytes(folder / "x.jpg", jpeg);
  const auto message = error_of([&] { read_image(path); });
  mentions(message, "cannot hold 7967 x 7967");
  mentions(message, path.string());
  std::fill_n(at + 5, 4, std::uint8_t{0xfe});
  with_bytes(path, jpeg);
  mentions(error_of([&] { read_image(path); }), "at most 67108864 are read");
}

TEST_CASE("a JPEG of more scans than any picture needs, each of which goes through all of it, is refused") {
  Folder folder;
  const auto image = full<std::uint8_t>({16, 16, 1}, 99);
  CHECK(read_image(with_bytes(folder / "some.jpg", jpeg_of_scans(image, 100)), 1).shape() == image.shape());
  const auto path = with_bytes(folder / "many.jpg", jpeg_of_scans(image, 101));
  mentions(error_of([&] { read_image(path); }), "more than 100 scans");
}

TEST_CASE("what is neither PNG nor JPEG is refused by name") {
  Folder folder;
  const auto path = with_bytes(folder / "x.png", {'G', 'I', 'F', '8', '9', 'a'});
  mentions(error_of([&] { read_image(path); }), "neither PNG nor JPEG");
}

TEST_CASE("resizing keeps a constant image, and the mean when a size is divided evenly") {
  Tensor<float> flat({7, 11, 3});
  std::fill(flat.begin(), flat.end(), 0.625F);
  for (const Index size : {1, 2, 5, 7, 16})
    for (const float value : resize(flat, size, size + 2)) CHECK(value == doctest::Approx(0.625F));

  const auto image = to_unit(gradient(16, 16, 1));
  double before = 0, after = 0;
  for (const float value : image) before += value / 256;
  for (const float value : resize(image, 4, 4)) after += value / 16;
  CHECK(after == doctest::Approx(before).epsilon(0.01));
}

TEST_CASE("enlarging interpolates linearly between the centres of pixels") {
  const Tensor<float> pair({1, 2, 1}, {0, 1});
  CHECK(to_vector(resize(pair, 1, 4)) == std::vector<float>{0, 0.25F, 0.75F, 1});
}

TEST_CASE("shrinking hears every pixel") {
  for (Index i = 0; i < 9; ++i) {
    Tensor<float> impulse({1, 9, 1}, {0, 0, 0, 0, 0, 0, 0, 0, 0});
    impulse.data()[i] = 1;
    const auto small = resize(impulse, 1, 3);
    CHECK(small.data()[0] + small.data()[1] + small.data()[2] > 0.2F);
  }
}

TEST_CASE("an image and its transpose resize alike") {
  const auto image = to_unit(gradient(9, 5, 1));
  Tensor<float> transposed({5, 9, 1});
  for (Index y = 0; y < 9; ++y)
    for (Index x = 0; x < 5; ++x) transposed.data()[x * 9 + y] = image.data()[y * 5 + x];
  const auto a = resize(image, 4, 7), b = resize(transposed, 7, 4);
  for (Index y = 0; y < 4; ++y)
    for (Index x = 0; x < 7; ++x) CHECK(a.data()[y * 7 + x] == doctest::Approx(b.data()[x * 4 + y]));
}

TEST_CASE("a centre crop is the middle, of the proportions asked for") {
  Tensor<std::uint8_t> image({3, 7, 1});
  for (Index i = 0; i < 21; ++i) image.data()[i] = static_cast<std::uint8_t>(i);
  const auto square = centre_crop(image, 64, 64);
  CHECK(square.shape() == Shape{3, 3, 1});
  CHECK(to_vector(square) == std::vector<std::uint8_t>{2, 3, 4, 9, 10, 11, 16, 17, 18});
  CHECK(centre_crop(image, 1, 7).shape() == Shape{1, 7, 1});
  CHECK(centre_crop(image, 1000, 1).shape() == Shape{3, 1, 1});
  CHECK(to_frame(image, {.height = 6, .width = 6, .channels = 1}).shape() == Shape{6, 6, 1});
  CHECK(to_frame(image, {.height = 2, .width = 9, .channels = 1, .crop = false}).shape() == Shape{2, 9, 1});
}
