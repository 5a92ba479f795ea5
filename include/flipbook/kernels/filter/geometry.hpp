// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Frames (frames, height, width, channels), and filters (frames, rows, columns, kernel²), one for each block of
/// pixels.
struct LocalFilterGeometry {
  Index frames = 1, height = 1, width = 1, channels = 1;
  Index rows = 1, columns = 1, kernel = 1;

  constexpr Index block_height() const { return height / rows; }
  constexpr Index block_width() const { return width / columns; }
  constexpr Index taps() const { return kernel * kernel; }
  /// The radius of a filter, in pixels.
  constexpr Index reach() const { return kernel / 2; }
};

}  // namespace flipbook
