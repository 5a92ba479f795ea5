// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/conv/conv.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE ConvGeometry conv_frame(const Shape& w, const Window& window, int spatial) {
  ConvGeometry g;
  for (int axis = first_axis(spatial); axis < 3; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    g.kernel[i] = w[axis - first_axis(spatial)];
    g.stride[i] = window.stride[axis];
    g.dilation[i] = window.dilation[axis];
    g.padding[i] = padding_of(window, axis, g.kernel[i], axis == first_axis(spatial)).first;
  }
  g.groups = window.groups;
  g.in_channels = w[-2] * window.groups;
  g.out_channels = w[-1];
  return g;
}

FLIPBOOK_INLINE ConvGeometry::Axes spatial_extents(const Shape& x) {
  ConvGeometry::Axes extents{1, 1, 1};
  for (int axis = 1; axis < x.rank() - 1; ++axis) extents[static_cast<std::size_t>(axis + 4 - x.rank())] = x[axis];
  return extents;
}

FLIPBOOK_INLINE ConvGeometry conv_geometry(const Shape& x, const Shape& y, const Shape& w, const Window& window) {
  ConvGeometry g = conv_frame(w, window, x.rank() - 2);
  g.batch = x[0];
  g.input = spatial_extents(x);
  g.output = spatial_extents(y);
  return g;
}

FLIPBOOK_INLINE void check_conv(const char* operation, const Shape& x, const Shape& w, Index channels,
                                const Window& window) {
  require(x.rank() >= 3 && x.rank() <= 5, operation, ": needs input (N, [T, [H,]] W, C), got ", x);
  require(w.rank() == x.rank(), operation, ": input ", x, " and weights ", w, " differ in rank");
  require(window.groups >= 1 && w[-1] % window.groups == 0, operation, ": ", window.groups, " groups do not divide ",
          w[-1], " channels of weights ", w);
  require(x.back() == channels, operation, ": input ", x, " has ", x.back(), " channels, weights ", w, " need ",
          channels);
  for (int axis = first_axis(x.rank() - 2); axis < 3; ++axis) {
    require(window.stride[axis] >= 1 && window.dilation[axis] >= 1, operation,
            ": stride and dilation must be at least 1");
  }
}

}  // namespace detail

}  // namespace flipbook
