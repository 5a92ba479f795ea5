// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <vector>

#include <flipbook/io/jpeg.hpp>
#include <flipbook/io/png.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Reads a PNG or JPEG file as 8-bit pixels, (H, W, channels); the format is detected from the content.
/// @param channels  1 (grey) or 3 (red, green, blue); the file's own are converted
/// @throws Error if the file cannot be read, is neither, is damaged or ends early
inline Tensor<std::uint8_t> read_image(const std::filesystem::path& path, Index channels = 3) {
  require(channels == 1 || channels == 3, "read_image: ", channels, " channels; 1 or 3 can be had");
  const Bytes bytes = read_file(path);
  const auto begins = [&](std::initializer_list<std::uint8_t> magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
  };
  try {
    if (begins({0x89, 'P', 'N', 'G'})) return detail::decode_png(bytes, channels);
    if (begins({0xff, 0xd8, 0xff})) return detail::decode_jpeg(bytes, channels);
    fail("it is neither PNG nor JPEG");
  } catch (const Error& error) {
    fail("image: ", detail::quoted(path), " is refused: ", error.what());
  }
}

/// The largest central part of an image (H, W, C) with the proportions height : width.
template <Pixel T>
Tensor<T> centre_crop(const Tensor<T>& image, Index height, Index width) {
  const Index h = image.extent(0), w = image.extent(1), c = image.extent(2);
  const Index rows = std::max<Index>(1, std::min(h, w * height / width));
  const Index columns = std::max<Index>(1, std::min(w, h * width / height));
  Tensor<T> part({rows, columns, c});
  for (Index row = 0; row < rows; ++row) {
    const T* from = image.data() + (((h - rows) / 2 + row) * w + (w - columns) / 2) * c;
    std::copy_n(from, columns * c, part.data() + row * columns * c);
  }
  return part;
}

namespace detail {

/// The input pixels of one output pixel along an axis, and their weights.
struct Taps {
  Index first;
  std::vector<float> weights;
};

/// Weights that resample `from` samples to `to` over the same length: a triangle as wide as the coarser of the two
/// grids, so that shrinking averages over all pixels and enlarging interpolates linearly.
inline std::vector<Taps> triangle_taps(Index from, Index to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), reach = std::max(scale, 1.0);
  std::vector<Taps> taps;
  for (Index i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;  // in input pixels
    const Index first = std::max<Index>(0, static_cast<Index>(std::floor(centre - reach)));
    const Index last = std::min(from, static_cast<Index>(std::ceil(centre + reach)));
    Taps tap{first, {}};
    double sum = 0;
    for (Index j = first; j < last; ++j) {
      const double weight = std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - centre) / reach);
      tap.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : tap.weights) weight /= static_cast<float>(sum);
    taps.push_back(std::move(tap));
  }
  return taps;
}

}  // namespace detail

/// Resizes an image (H, W, C) to (height, width, C): bilinear for enlarging; for shrinking, all input pixels are
/// averaged, which prevents aliasing.
inline Tensor<float> resize(const Tensor<float>& image, Index height, Index width) {
  require(image.rank() == 3 && image.size() > 0 && height > 0 && width > 0, "resize: ", image.shape(), " to ", height,
          " x ", width, "; needs (H, W, C) and positive extents");
  const Index h = image.extent(0), w = image.extent(1), c = image.extent(2);
  if (h == height && w == width) return image;
  const auto rows = detail::triangle_taps(h, height), columns = detail::triangle_taps(w, width);

  Tensor<float> narrow({h, width, c});
  std::fill(narrow.begin(), narrow.end(), 0.0F);
  for (Index row = 0; row < h; ++row) {
    for (Index x = 0; x < width; ++x) {
      const auto& [first, weights] = columns[static_cast<std::size_t>(x)];
      const float* from = image.data() + (row * w + first) * c;
      float* to = narrow.data() + (row * width + x) * c;
      for (const float weight : weights)
        for (Index k = 0; k < c; ++k) to[k] += weight * *from++;
    }
  }
  Tensor<float> resized({height, width, c});
  std::fill(resized.begin(), resized.end(), 0.0F);
  for (Index y = 0; y < height; ++y) {
    const auto& [first, weights] = rows[static_cast<std::size_t>(y)];
    const float* from = narrow.data() + first * width * c;
    float* to = resized.data() + y * width * c;
    for (const float weight : weights)
      for (Index k = 0; k < width * c; ++k) to[k] += weight * *from++;
  }
  return resized;
}

/// The size of frames made from images of any size.
struct FrameSize {
  Index height = 64, width = 64;
  Index channels = 3;  ///< 1 (grey) or 3
  bool crop = true;    ///< crops to the frame's proportions around the centre; otherwise stretches
};

/// An image (H, W, C) as a frame of that size, (height, width, C), in 8 bits.
inline Tensor<std::uint8_t> to_frame(const Tensor<std::uint8_t>& image, const FrameSize& size) {
  auto part = size.crop ? centre_crop(image, size.height, size.width) : image;
  if (part.extent(0) == size.height && part.extent(1) == size.width) return part;
  return to_bytes(resize(to_unit(part), size.height, size.width), "to_frame");
}

}  // namespace flipbook
