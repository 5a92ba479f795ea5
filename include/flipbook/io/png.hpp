// SPDX-License-Identifier: MIT
#pragma once

#include <png.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>

#include <flipbook/io/atomic_file.hpp>
#include <flipbook/io/file.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// libpng's record of an image, freed by the destructor.
struct PngImage : png_image {
  PngImage() : png_image{} { version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(this); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

inline png_uint_32 png_format(Index channels) { return channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB; }

/// The largest number of pixels of an image or a video's frame that is read: memory grows with it, and a file of some
/// kilobytes may contain many equal pixels.
inline constexpr std::uint64_t most_pixels = 1 << 26;

/// @throws Error if an image of that many pixels cannot come from so few bytes. Deflate expands a byte to at most 1032,
///         a pixel may take only one bit, and JPEG's codes stay below that: a file that states more is refused before
///         memory is allocated.
inline void require_plausible(std::uint64_t height, std::uint64_t width, std::size_t bytes) {
  const bool sensible = height > 0 && width > 0 && height < 1 << 16 && width < 1 << 16 && height * width <= most_pixels;
  require(sensible, "it is ", height, " x ", width, " pixels; at most ", most_pixels, " are read");
  require(height * width / (8 * 1032) <= bytes, "it cannot hold ", height, " x ", width, " pixels in ", bytes,
          " bytes");
}

/// libpng stops reading after all pixels. The chunks (length, type, content, checksum) must lead to the last one;
/// otherwise the file is truncated.
/// @throws Error if they do not
inline void require_png_end(std::span<const std::uint8_t> bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
    if (length > bytes.size() - at - 12) break;
    if (std::memcmp(bytes.data() + at + 4, "IEND", 4) == 0) return;
    at += 12 + length;
  }
  fail("it ends early");
}

/// A PNG of any kind as 8-bit pixels, (H, W, channels); channels is 1 or 3. Transparent pixels are black.
inline Tensor<std::uint8_t> decode_png(std::span<const std::uint8_t> bytes, Index channels) {
  PngImage image;
  require(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0, image.message);
  require_plausible(image.height, image.width, bytes.size());
  require_png_end(bytes);
  image.format = png_format(channels);
  Tensor<std::uint8_t> pixels({image.height, image.width, channels});
  const png_color black{0, 0, 0};
  const int done = png_image_finish_read(&image, &black, pixels.data(), 0, nullptr);
  require(done != 0, image.message);  // after a warning, such as of a colour profile, the pixels are valid
  return pixels;
}

/// An image (H, W, 1 or 3) of at most 65535 by 65535 pixels as the bytes of a PNG file.
inline Bytes encode_png(const Tensor<std::uint8_t>& pixels) {
  PngImage image;
  image.height = static_cast<png_uint_32>(pixels.extent(0));
  image.width = static_cast<png_uint_32>(pixels.extent(1));
  image.format = png_format(pixels.extent(2));
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  Bytes packed(size);
  const int done = png_image_write_to_memory(&image, packed.data(), &size, 0, pixels.data(), 0, nullptr);
  require(done != 0, "encode_png: ", image.message);
  packed.resize(size);
  return packed;
}

}  // namespace detail

/// Writes an image (H, W, C), where C is 1 or 3, as a PNG file, atomically.
/// @throws Error for another shape, for an infinite or NaN element, and if it cannot be written
template <Pixel T>
void write_png(const std::filesystem::path& path, const Tensor<T>& image) {
  const Tensor<std::uint8_t> pixels = to_bytes(image, "write_png");
  require(pixels.rank() == 3 && (pixels.extent(2) == 1 || pixels.extent(2) == 3) && pixels.size() > 0,
          "write_png: ", detail::quoted(path), " needs (H, W, 1 or 3), got ", pixels.shape());
  require(pixels.extent(0) < 1 << 16 && pixels.extent(1) < 1 << 16, "write_png: ", detail::quoted(path), " of ",
          pixels.shape(), " is larger than 65535");
  write_file(path, detail::encode_png(pixels));
}

}  // namespace flipbook
