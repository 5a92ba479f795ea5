// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One number for each of time, height and width. Inputs with fewer axes use the last ones: an image (height, width), a
/// sequence (width).
struct Extent {
  int t, h, w;
  constexpr Extent(int all) : t(all), h(all), w(all) {}
  constexpr Extent(int height, int width) : t(1), h(height), w(width) {}
  constexpr Extent(int time, int height, int width) : t(time), h(height), w(width) {}
  constexpr int operator[](int axis) const { return axis == 0 ? t : axis == 1 ? h : w; }
  bool operator==(const Extent&) const = default;
};

/// The number of zeros around the input: equal before and after, or separate.
struct Padding {
  Extent before, after;
  constexpr Padding(int all) : before(all), after(all) {}
  constexpr Padding(int height, int width) : before(height, width), after(height, width) {}
  constexpr Padding(int time, int height, int width) : before(time, height, width), after(before) {}
  constexpr Padding(Extent first, Extent last) : before(first), after(last) {}
  bool operator==(const Padding&) const = default;
};

/// Kernel, stride, padding, dilation and groups of a convolution. A template argument:
/// `Window{.kernel = 4, .stride = 2}`.
struct Window {
  Extent kernel = 1;
  Extent stride = 1;
  Padding padding = 0;
  Extent dilation = 1;
  int groups = 1;  ///< number of groups of channels that are convolved independently
  bool bias = true;
  bool causal = false;        ///< pads the first axis only in front, so that no output depends on later input
  Extent output_padding = 0;  ///< transposed convolutions only: outputs added at the end of each axis
  bool operator==(const Window&) const = default;
};

}  // namespace flipbook
