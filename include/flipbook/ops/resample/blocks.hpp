// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>
#include <flipbook/core/window.hpp>
#include <flipbook/kernels/resample.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The number of axes of (N, [T, [H,]] W, C) that are positions: all but N and C.
inline int places_of(const char* operation, const Shape& x) {
  require(x.rank() >= 3 && x.rank() <= 5, operation, ": needs (N, W, C), (N, H, W, C) or (N, T, H, W, C), got shape ",
          x);
  return x.rank() - 2;
}

inline std::string size_text(const Extent& size, int places) {
  std::string text = places == 3 ? std::to_string(size.t) + "×" : "";
  return text + (places >= 2 ? std::to_string(size.h) + "×" : "") + std::to_string(size.w);
}

/// Blocks of the given size, one for each position of (N, …, C).
inline kernel::Blocks blocks_from(const char* operation, const Shape& x, const Extent& size) {
  const int places = places_of(operation, x);
  kernel::Blocks blocks;
  blocks.batch = x[0], blocks.channels = x[-1];
  for (int axis = 3 - places; axis < 3; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    require(size[axis] > 0, operation, ": by ", size_text(size, places), "; needs positive numbers");
    blocks.count[i] = x[axis - 3 + places + 1], blocks.size[i] = size[axis];
  }
  return blocks;
}

/// The positions of (N, …, C) divided into blocks of the given size.
/// @throws Error  if the blocks do not divide the extents
inline kernel::Blocks blocks_of(const char* operation, const Shape& x, const Extent& size) {
  kernel::Blocks blocks = blocks_from(operation, x, size);
  for (std::size_t i = 0; i < 3; ++i) {
    require(blocks.count[i] % blocks.size[i] == 0, operation, ": blocks of ", size_text(size, x.rank() - 2),
            " do not divide ", x);
    blocks.count[i] /= blocks.size[i];
  }
  return blocks;
}

/// (N, …, channels), with one position per block, or with all positions.
inline Shape shape_of_blocks(const kernel::Blocks& b, int places, bool all, Index channels) {
  Shape shape{b.batch};
  for (int axis = 3 - places; axis < 3; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    shape.push_back(all ? b.count[i] * b.size[i] : b.count[i]);
  }
  shape.push_back(channels);
  return shape;
}

}  // namespace flipbook::detail
