// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Positions (batch, time, height, width) of channels, in blocks: each axis has `count` blocks of `size`.
struct Blocks {
  using Axes = std::array<Index, 3>;
  Index batch = 1, channels = 1;
  Axes count{1, 1, 1}, size{1, 1, 1};

  constexpr Index blocks() const { return batch * count[0] * count[1] * count[2]; }
  constexpr Index block_size() const { return size[0] * size[1] * size[2]; }
  /// Calls body(offset) for each position of a block, with its offset in elements from the block's first.
  template <class Body>
  constexpr void each_place(const Body& body) const {
    const Index row = count[2] * size[2] * channels, plane = count[1] * size[1] * row;
    for (Index t = 0; t < size[0]; ++t)
      for (Index h = 0; h < size[1]; ++h)
        for (Index w = 0; w < size[2]; ++w) body(t * plane + h * row + w * channels);
  }
  /// The offset of the first element of a block.
  constexpr Index first_of(Index block) const {
    const Index w = block % count[2], h = block / count[2] % count[1], t = block / (count[2] * count[1]) % count[0];
    const Index n = block / (count[2] * count[1] * count[0]);
    const Index row = count[2] * size[2] * channels, plane = count[1] * size[1] * row;
    return (n * count[0] + t) * size[0] * plane + h * size[1] * row + w * size[2] * channels;
  }
};

/// The two neighbours of each position along a resized axis, as for PyTorch's align_corners = false.
struct LinearTaps {
  Index extent, resized;
  struct Tap {
    Index low, high;
    double weight;  ///< of `high`
  };
  constexpr Tap at(Index j) const {
    const double scale = static_cast<double>(extent) / static_cast<double>(resized);
    const double place = std::max(0.0, (static_cast<double>(j) + 0.5) * scale - 0.5);
    const Index low = std::min(static_cast<Index>(place), extent - 1);
    return {low, std::min(low + 1, extent - 1), place - static_cast<double>(low)};
  }
};

}  // namespace flipbook
