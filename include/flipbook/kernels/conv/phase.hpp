// SPDX-License-Identifier: MIT
#pragma once

#include <numeric>

#include <flipbook/kernels/conv/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Along one axis, the pixels of `input` at  first + q · stride,  and the taps that reach them: pixel q reads
/// pixels  q + j · step + origin  of `output`, through taps  tap − j · tap_step  for j = 0 … taps − 1.
struct Phase {
  Index pixels = 0, taps = 0, tap = 0, tap_step = 1, step = 1, origin = 0;
};
/// The phase of a transposed convolution that begins at position `first` of its output, along one axis.
inline Phase phase_of(const ConvGeometry& g, std::size_t axis, Index first) {
  // Tap k joins input pixel u and output pixel p where  u = p · stride + k · dilation − padding.
  const Index stride = g.stride[axis], dilation = g.dilation[axis], shifted = first + g.padding[axis];
  const Index common = std::gcd(stride, dilation);
  Phase phase;
  phase.pixels = first < g.input[axis] ? (g.input[axis] - first + stride - 1) / stride : 0;
  phase.tap_step = stride / common;
  phase.step = dilation / common;
  Index tap = 0;
  while (tap < g.kernel[axis] && (shifted - tap * dilation) % stride != 0) {
    if (++tap == phase.tap_step) return phase;
  }
  if (tap >= g.kernel[axis]) return phase;
  phase.taps = (g.kernel[axis] - tap + phase.tap_step - 1) / phase.tap_step;
  phase.tap = tap + (phase.taps - 1) * phase.tap_step;  // the last tap reads the first pixel
  phase.origin = (shifted - phase.tap * dilation) / stride;
  return phase;
}

}  // namespace flipbook
