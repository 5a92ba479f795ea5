// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/runtime/divider.hpp>
#include <flipbook/backend/cuda/runtime/pack.hpp>
#include <flipbook/kernels/conv/geometry.hpp>
#include <flipbook/kernels/conv/phase.hpp>

/// A convolution as a product of two matrices. The left one is never stored: its lines are the output positions, and
/// element (tap, channel) of a line is the input that the position reads at that tap.

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The receptive field of a convolution, or of one phase of a transposed one, along one axis: position q reads pixels
/// q · stride + j · step + origin  through taps  tap + j · tap_step,  j = 0 … taps − 1, and its sum is pixel
/// first + q · pixel_step  of the output.
struct FieldAxis {
  int positions = 1, stride = 1, origin = 0, step = 1, taps = 1, tap = 0, tap_step = 1, first = 0, pixel_step = 1;
};

/// The receptive field along all three axes, for all samples.
struct ReceptiveField {
  FieldAxis axis[3];
  Divider positions[3], taps[3];
  int lines = 0;  ///< positions of all samples

  void fit(Index batch) {
    Index count = batch;
    for (int i = 0; i < 3; ++i) {
      count *= axis[i].positions;
      positions[i] = Divider(std::max(1, axis[i].positions));
      taps[i] = Divider(std::max(1, axis[i].taps));
    }
    require(count < (Index{1} << 31) - (1 << 16), "conv: ", count, " positions; at most 2^31 − 2^16 are possible");
    lines = static_cast<int>(count);
  }
  constexpr int taps_in_all() const { return axis[0].taps * axis[1].taps * axis[2].taps; }
};

/// The extents of an image's axes, and the stride between pixels in elements.
struct PixelGrid {
  int extent[3];
  Index pitch;
  constexpr Index offset(Index n, int t, int h, int w) const {
    return (((n * extent[0] + t) * extent[1] + h) * extent[2] + w) * pitch;
  }
};

/// The extents of a kernel, and the strides in elements between taps, between channels that are summed over, and
/// between columns.
struct WeightGrid {
  int extent[3];
  Index tap_pitch, channel_pitch, column_pitch;
  constexpr Index offset(int t, int h, int w) const { return ((t * extent[1] + h) * extent[2] + w) * tap_pitch; }
};

/// The left matrix, positions × (tap, channel): the inputs that each position reads.
template <class T>
struct Patches {
  const T* data;
  const PixelGrid& grid;
  const ReceptiveField& field;
  Divider channels;
  int width;  ///< length of a line: taps · channels
  bool packed;

  struct Line {
    int sample, t, h, w;  ///< sample −1: beyond the last
  };
  struct Place {
    int t, h, w, channel;
  };

  __device__ Line line(int position) const {
    if (position >= field.lines) return {-1, 0, 0, 0};
    const int w = field.positions[2].split(position), h = field.positions[1].split(position);
    const int t = field.positions[0].split(position);
    const auto begin = [&](int axis, int q) { return q * field.axis[axis].stride + field.axis[axis].origin; };
    return {position, begin(0, t), begin(1, h), begin(2, w)};
  }
  __device__ Place place(int number) const {
    if (number >= width) return {0, 0, 0, -1};
    const int channel = channels.split(number);
    const int w = field.taps[2].split(number), h = field.taps[1].split(number);
    return {number * field.axis[0].step, h * field.axis[1].step, w * field.axis[2].step, channel};
  }
  __device__ const T* address(const Line& line, const Place& place) const {
    const int t = line.t + place.t, h = line.h + place.h, w = line.w + place.w;
    const auto outside = [&](int axis, int at) {
      return static_cast<unsigned>(at) >= static_cast<unsigned>(grid.extent[axis]);
    };
    if (line.sample < 0 || place.channel < 0 || outside(0, t) || outside(1, h) || outside(2, w)) return nullptr;
    return data + grid.offset(line.sample, t, h, w) + place.channel;
  }
};

/// The right matrix, the weights of one field: its lines are (tap, channel) or, if `Turned`, columns.
template <class T, bool Turned>
struct Weights {
  const T* data;
  const ReceptiveField& field;
  const WeightGrid& grid;
  Divider channels;
  int depth, columns;  ///< taps · channels, and the other extent
  bool packed;

  using Line = Index;  ///< offset; −1: beyond the last
  using Place = Index;

  __device__ Index of_depth(int number) const {
    if (number >= depth) return -1;
    const int channel = channels.split(number);
    const int w = field.taps[2].split(number), h = field.taps[1].split(number);
    const auto tap = [&](int axis, int j) { return field.axis[axis].tap + j * field.axis[axis].tap_step; };
    return grid.offset(tap(0, number), tap(1, h), tap(2, w)) + channel * grid.channel_pitch;
  }
  __device__ Index of_column(int column) const { return column < columns ? column * grid.column_pitch : -1; }
  __device__ Line line(int i) const { return Turned ? of_column(i) : of_depth(i); }
  __device__ Place place(int j) const { return Turned ? of_depth(j) : of_column(j); }
  __device__ const T* address(Line line, Place place) const {
    return line < 0 || place < 0 ? nullptr : data + line + place;
  }
};

/// A plain matrix.
template <class T>
struct Matrix {
  const T* data;
  int lines, width;
  Index pitch;
  bool packed;

  using Line = Index;
  using Place = int;
  __device__ Line line(int i) const { return i < lines ? i * pitch : -1; }
  __device__ Place place(int j) const { return j < width ? j : -1; }
  __device__ const T* address(Line line, Place place) const {
    return line < 0 || place < 0 ? nullptr : data + line + place;
  }
};

namespace detail {

inline FieldAxis straight_axis(const ConvGeometry& g, std::size_t i) {
  FieldAxis axis;
  axis.positions = static_cast<int>(g.output[i]), axis.stride = static_cast<int>(g.stride[i]);
  axis.origin = -static_cast<int>(g.padding[i]), axis.step = static_cast<int>(g.dilation[i]);
  axis.taps = static_cast<int>(g.kernel[i]);
  return axis;
}

/// One axis of a transposed convolution's phase: the pixels whose position modulo the stride is `first`.
inline FieldAxis phase_axis(const ConvGeometry& g, std::size_t i, Index first) {
  const Phase phase = phase_of(g, i, first);
  FieldAxis axis;
  axis.positions = static_cast<int>(phase.pixels), axis.origin = static_cast<int>(phase.origin);
  axis.step = static_cast<int>(phase.step), axis.taps = static_cast<int>(phase.taps);
  axis.tap = static_cast<int>(phase.tap), axis.tap_step = -static_cast<int>(phase.tap_step);
  axis.first = static_cast<int>(first), axis.pixel_step = static_cast<int>(g.stride[i]);
  return axis;
}

}  // namespace detail

inline ReceptiveField conv_field(const ConvGeometry& g) {
  ReceptiveField field;
  for (std::size_t i = 0; i < 3; ++i) field.axis[i] = detail::straight_axis(g, i);
  field.fit(g.batch);
  return field;
}
inline ReceptiveField phase_field(const ConvGeometry& g, Index which) {
  const ConvGeometry::Axes first{which / (g.stride[1] * g.stride[2]), which / g.stride[2] % g.stride[1],
                                 which % g.stride[2]};
  ReceptiveField field;
  for (std::size_t i = 0; i < 3; ++i) field.axis[i] = detail::phase_axis(g, i, first[i]);
  field.fit(g.batch);
  return field;
}

/// The grid of x; `output_grid` is that of y.
inline PixelGrid input_grid(const ConvGeometry& g) {
  return {{static_cast<int>(g.input[0]), static_cast<int>(g.input[1]), static_cast<int>(g.input[2])}, g.in_channels};
}
inline PixelGrid output_grid(const ConvGeometry& g) {
  return {{static_cast<int>(g.output[0]), static_cast<int>(g.output[1]), static_cast<int>(g.output[2])},
          g.out_channels};
}

inline WeightGrid weight_grid(const ConvGeometry& g, Index tap_pitch, Index channel_pitch, Index column_pitch) {
  return {{static_cast<int>(g.kernel[0]), static_cast<int>(g.kernel[1]), static_cast<int>(g.kernel[2])},
          tap_pitch,
          channel_pitch,
          column_pitch};
}

}  // namespace flipbook::cuda
