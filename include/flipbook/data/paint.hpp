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

/// Anti-aliased drawing into frames (H, W, C). Pixel (row, column) has its centre at (column + ½, row + ½); the colour
/// is blended by the pixel's coverage, computed from the distance of its centre to the outline.
namespace paint {

/// The bounding box of a shape, to which drawing is limited.
struct Box {
  double left, top, right, bottom;
};

/// Draws a shape that is given by its signed distance.
/// @param outside  signed distance of the point (x, y) from the shape, in pixels; negative inside
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

/// Draws all points within `radius` of the line segment between two points.
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
/// Draws all points within `radius` of a point.
template <std::size_t C>
void disc(const Tensor<float>& frame, const std::array<float, C>& colour, double x, double y, double radius) {
  segment(frame, colour, x, y, x, y, radius);
}

/// Fills all pixels of all frames.
template <std::size_t C>
void fill(Tensor<float> frames, const std::array<float, C>& colour) {
  for (float* pixel = frames.begin(); pixel != frames.end(); pixel += C) std::copy(colour.begin(), colour.end(), pixel);
}

}  // namespace paint
}  // namespace flipbook
