// SPDX-License-Identifier: MIT
#include <flipbook/io/image.hpp>

#include <zlib.h>

#include "../io/jpeg.hpp"
#include "target.hpp"

using namespace flipbook;
using namespace flipbook::fuzz;

namespace {

void read(const Bytes& input) {
  const Index channels = input.size() % 2 == 0 ? 1 : 3;
  const auto pixels = read_image(file_of(input), channels);
  must(pixels.rank() == 3 && pixels.extent(2) == channels && pixels.size() > 0, "a picture is (H, W, channels)");
}

std::uint8_t* at(Bytes& bytes, std::size_t place) { return bytes.data() + place; }

/// With the checksums that chunks (length, type, content, checksum) should have: those of few changed bytes hold.
Bytes with_checksums(Bytes png) {
  for (std::size_t begin = 8; begin + 12 <= png.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | png[begin + i];
    if (length > png.size() - begin - 12) break;
    const auto sum = ::crc32(0, at(png, begin + 4), static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) png[begin + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    begin += 12 + length;
  }
  return png;
}
void read_png(const Bytes& input) { read(with_checksums(input)); }

/// With a height and a width below 256 in seven of eight inputs, since millions of pixels take their time.
void read_jpeg(const Bytes& given) {
  Bytes input = given;
  for (std::size_t at = 0; input.size() % 8 != 0 && at + 9 < input.size(); ++at) {
    if (input[at] == 0xff && input[at + 1] >= 0xc0 && input[at + 1] <= 0xc2) input[at + 5] = input[at + 7] = 0;
  }
  read(input);
}

Tensor<std::uint8_t> picture(const Shape& shape) {
  Tensor<std::uint8_t> pixels(shape);
  for (Index i = 0; i < pixels.size(); ++i) pixels.data()[i] = static_cast<std::uint8_t>(i * 7);
  return pixels;
}

std::vector<Bytes> png_seeds() {
  // Two pixels, each one of two colours of a palette, with a transparent one, interlaced: other kinds of chunks.
  const Bytes palette{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0,   0, 13, 'I',  'H', 'D',  'R', 0,
                      0,    0,   2,   0,   0,    0,    1,    1,    3,    0,   0, 1,  0,    0,   0,    0,   0,
                      0,    0,   6,   'P', 'L',  'T',  'E',  1,    2,    3,   4, 5,  6,    0,   0,    0,   0,
                      0,    0,   0,   1,   't',  'R',  'N',  'S',  9,    0,   0, 0,  0,    0,   0,    0,   10,
                      'I',  'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x60, 0x68, 0,   0, 0,  0x82, 0,   0x81, 0,   0,
                      0,    0,   0,   0,   0,    0,    'I',  'E',  'N',  'D', 0, 0,  0,    0};
  return {detail::encode_png(picture({3, 5, 3})), detail::encode_png(picture({9, 2, 1})), palette};
}
std::vector<Bytes> jpeg_seeds() {
  return {test::jpeg_bytes(picture({8, 8, 3})), test::jpeg_bytes(picture({5, 17, 1})),
          test::jpeg_bytes(picture({16, 16, 3}), true)};
}

// Of 1024 bytes 8 million pixels may come out, and a progressive JPEG keeps twice as many coefficients of each colour.
const Registered png{{.name = "png", .read = read_png, .seeds = png_seeds, .longest = 1024, .megabytes = 32}};
const Registered jpeg{{.name = "jpeg", .read = read_jpeg, .seeds = jpeg_seeds, .longest = 1024, .megabytes = 64}};

}  // namespace
