#pragma once

#include <array>

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>

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
  int groups = 1;               ///< channels are split into so many independent convolutions
  bool bias = true;
  bool causal = false;          ///< the first axis is padded in front alone, so no output sees later input
  Extent output_padding = 0;    ///< transposed only: outputs to add at the end of each axis
  bool operator==(const Window&) const = default;
};

/// A convolution worked out for given extents: always three axes, leading ones of extent 1 where the
/// data has fewer. The transposed convolution is this one's adjoint: it reads `output` and writes `input`.
struct ConvGeometry {
  using Axes = std::array<Index, 3>;
  Index batch = 1;
  Axes input{1, 1, 1}, output{1, 1, 1};
  Axes kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, padding{0, 0, 0};  ///< padding in front
  Index in_channels = 1, out_channels = 1, groups = 1;

  Index inputs() const { return batch * input[0] * input[1] * input[2]; }
  Index outputs() const { return batch * output[0] * output[1] * output[2]; }
  Index taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// Of the convolution, of its adjoint and of its weights' gradient alike.
  Index multiply_adds() const { return outputs() * taps() * (in_channels / groups) * out_channels; }

  /// Sets `output` to what an input padded alike on both sides gives.
  void fit_output() {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      output[axis] = (input[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
    }
  }
};

}  // namespace flipbook
