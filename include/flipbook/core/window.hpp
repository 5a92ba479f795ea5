// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One number for each of time, height and width. Fewer axes use the last ones: an image (height, width),
/// a sequence (width).
struct Extent {
  int t, h, w;
  constexpr Extent(int all) : t(all), h(all), w(all) {}
  constexpr Extent(int height, int width) : t(1), h(height), w(width) {}
  constexpr Extent(int time, int height, int width) : t(time), h(height), w(width) {}
  constexpr int operator[](int axis) const { return axis == 0 ? t : axis == 1 ? h : w; }
  bool operator==(const Extent&) const = default;
};

/// Zeros around the input: as many before as after, or each by itself.
struct Padding {
  Extent before, after;
  constexpr Padding(int all) : before(all), after(all) {}
  constexpr Padding(int height, int width) : before(height, width), after(height, width) {}
  constexpr Padding(int time, int height, int width) : before(time, height, width), after(before) {}
  constexpr Padding(Extent first, Extent last) : before(first), after(last) {}
  bool operator==(const Padding&) const = default;
};

/// How a convolution looks at its input; a template argument, written `Window{.kernel = 4, .stride = 2}`.
struct Window {
  Extent kernel = 1;
  Extent stride = 1;
  Padding padding = 0;
  Extent dilation = 1;
  int groups = 1;  ///< channels are split into so many independent convolutions
  bool bias = true;
  bool causal = false;        ///< the first axis is padded in front alone, so no output sees later input
  Extent output_padding = 0;  ///< transposed only: outputs to add at the end of each axis
  bool operator==(const Window&) const = default;
};

}  // namespace flipbook
