// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Red, green and blue in [0, 1].
using Colour = std::array<float, 3>;

/// Drawing into frames (H, W, C) with smooth edges: pixel (row, column) has its centre at (column + ½, row + ½), and
/// takes as much of the colour as the shape covers of it, which its centre's distance from the outline tells.
namespace paint {

/// Where a shape is, so that no more pixels are looked at.
struct Box {
  double left, top, right, bottom;
};

/// Any shape, of which it is known how far points are from it.
/// @param outside  how far the point (x, y) lies outside of the shape, in pixels; negative inside
template <std::size_t C, class Outside>
void shape(Tensor<float> frame, const std::array<float, C>& colour, const Box& box, const Outside& outside) {
  const Index height = frame.extent(0), width = frame.extent(1);
  const auto low = [](double at) { return std::max<Index>(0, static_cast<Index>(std::floor(at)) - 1); };
  const auto high = [](double at, Index size) { return std::min(size, static_cast<Index>(std::ceil(at)) + 1); };
  for (Index row = low(box.top); row < high(box.bottom, height); ++row) {
    for (Index column = low(box.left); column < high(box.right, width); ++column) {
      const double distance = outside(static_cast<double>(column) + 0.5, static_cast<double>(row) + 0.5);
      const auto covered = static_cast<float>(std::clamp(0.5 - distance, 0.0, 1.0));
      float* pixel = frame.data() + static_cast<Index>(C) * (row * width + column);
      for (std::size_t c = 0; c < C; ++c) pixel[c] += covered * (colour[c] - pixel[c]);
    }
  }
}

/// All that is no further than `radius` from the line between two points: a limb.
template <std::size_t C>
void segment(const Tensor<float>& frame, const std::array<float, C>& colour, double x0, double y0, double x1, double y1,
             double radius) {
  const double dx = x1 - x0, dy = y1 - y0, squared = dx * dx + dy * dy;
  const double inverse = squared > 0 ? 1 / squared : 0;
  const Box box{std::min(x0, x1) - radius, std::min(y0, y1) - radius, std::max(x0, x1) + radius,
                std::max(y0, y1) + radius};
  shape(frame, colour, box, [&](double x, double y) {
    const double along = std::clamp(((x - x0) * dx + (y - y0) * dy) * inverse, 0.0, 1.0);
    const double away_x = x - x0 - along * dx, away_y = y - y0 - along * dy;
    return std::sqrt(away_x * away_x + away_y * away_y) - radius;
  });
}
/// All that is no further than `radius` from a point.
template <std::size_t C>
void disc(const Tensor<float>& frame, const std::array<float, C>& colour, double x, double y, double radius) {
  segment(frame, colour, x, y, x, y, radius);
}

/// Every pixel, of all the frames.
template <std::size_t C>
void fill(Tensor<float> frames, const std::array<float, C>& colour) {
  for (float* pixel = frames.begin(); pixel != frames.end(); pixel += C) std::copy(colour.begin(), colour.end(), pixel);
}

}  // namespace paint
}  // namespace flipbook
