// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The extents of a convolution: always three axes, with leading axes of extent 1 if the data has fewer. The transposed
/// convolution is the adjoint of this one: it reads `output` and writes `input`.
struct ConvGeometry {
  using Axes = std::array<Index, 3>;
  Index batch = 1;
  Axes input{1, 1, 1}, output{1, 1, 1};
  Axes kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, padding{0, 0, 0};  ///< padding at the start
  Index in_channels = 1, out_channels = 1, groups = 1;

  Index inputs() const { return batch * input[0] * input[1] * input[2]; }
  Index outputs() const { return batch * output[0] * output[1] * output[2]; }
  Index taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  /// The multiply-adds of the convolution, and also of its adjoint and of its weights' gradient.
  Index multiply_adds() const { return outputs() * taps() * (in_channels / groups) * out_channels; }

  /// Sets `output` to the extents for equal padding on both sides.
  void fit_output() {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      output[axis] = (input[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
    }
  }
};

}  // namespace flipbook
