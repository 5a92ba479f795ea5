// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
template <Pixel T>
constexpr T white() {
  return std::same_as<T, std::uint8_t> ? T(255) : T(1);
}
}  // namespace detail

/// Clips in a grid as one clip, row by row, with `gap` pixels of `background` between neighbours.
/// @param clips  (N, T, H, W, C)
/// @return       (T, rows · H + (rows − 1) · gap, columns · W + (columns − 1) · gap, C)
template <Pixel T>
Tensor<T> make_grid(const Tensor<T>& clips, Index columns, Index gap = 2, T background = detail::white<T>()) {
  require(clips.rank() == 5 && clips.extent(0) > 0, "make_grid: needs clips (N, T, H, W, C), got ", clips.shape());
  require(columns > 0 && gap >= 0, "make_grid: ", columns, " columns with gaps of ", gap);
  const Index count = clips.extent(0), frames = clips.extent(1), h = clips.extent(2), w = clips.extent(3);
  const Index c = clips.extent(4), rows = (count + columns - 1) / columns;
  const Index height = rows * (h + gap) - gap, width = columns * (w + gap) - gap;
  Tensor<T> joined({frames, height, width, c});
  std::fill(joined.begin(), joined.end(), background);
  const T* from = clips.data();
  for (Index n = 0; n < count; ++n) {
    const Index top = n / columns * (h + gap), left = n % columns * (w + gap);
    for (Index t = 0; t < frames; ++t)
      for (Index y = 0; y < h; ++y, from += w * c)
        std::copy_n(from, w * c, joined.data() + ((t * height + top + y) * width + left) * c);
  }
  return joined;
}

/// Clips as one image: a row for each clip, a column for each of its frames.
/// @param clips  (N, T, H, W, C)
/// @return       (N · H + (N − 1) · gap, T · W + (T − 1) · gap, C)
template <Pixel T>
Tensor<T> film_strip(const Tensor<T>& clips, Index gap = 2, T background = detail::white<T>()) {
  require(clips.rank() == 5 && clips.extent(1) > 0, "film_strip: needs clips (N, T, H, W, C), got ", clips.shape());
  const Shape& s = clips.shape();
  return make_grid(clips.reshape({s[0] * s[1], 1, s[2], s[3], s[4]}), s[1], gap, background)[0];
}

/// Frames enlarged by an integer factor: each pixel becomes a square of factor × factor.
/// @param frames  (…, H, W, C)
template <Pixel T>
Tensor<T> upscale(const Tensor<T>& frames, Index factor) {
  require(frames.rank() >= 3 && factor > 0, "upscale: ", frames.shape(), " by ", factor, "; needs (…, H, W, C)");
  const Index w = frames.extent(-2), c = frames.extent(-1);
  Tensor<T> large(frames.shape().with_tail(3, {frames.extent(-3) * factor, w * factor, c}));
  const Index rows = frames.size() == 0 ? 0 : frames.size() / (w * c), wide = w * factor * c;
  for (Index row = 0; row < rows; ++row) {
    T* first = large.data() + row * factor * wide;
    for (Index x = 0; x < w * factor; ++x) std::copy_n(frames.data() + (row * w + x / factor) * c, c, first + x * c);
    for (Index copy = 1; copy < factor; ++copy) std::copy_n(first, wide, first + copy * wide);
  }
  return large;
}

FLIPBOOK_TEMPLATE(Tensor<float> make_grid(const Tensor<float>&, Index, Index, float));
FLIPBOOK_TEMPLATE(Tensor<float> upscale(const Tensor<float>&, Index));

}  // namespace flipbook
