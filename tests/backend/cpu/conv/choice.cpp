// SPDX-License-Identifier: MIT
// Which kernel a convolution is computed by; that each computes it, conv.cpp tests.
#include <flipbook/backend/cpu/conv/conv.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace flipbook;
using cpu::MatmulConv;

namespace {

/// Frames of 16×16, `pad`ded so that a stride of 1 keeps them.
ConvGeometry frames(Index in, Index out, Index kernel, Index stride = 1, Index pad = -1) {
  ConvGeometry g;
  g.batch = 32, g.input = {1, 16, 16}, g.in_channels = in, g.out_channels = out;
  g.kernel = {1, kernel, kernel}, g.stride = {1, stride, stride};
  g.padding = {0, pad < 0 ? (kernel - 1) / 2 : pad, pad < 0 ? (kernel - 1) / 2 : pad};
  g.fit_output();
  return g;
}

/// The taps of the filter that a convolution is done by, or 0.
Index taps_of_filter(const ConvGeometry& g) {
  const auto scheme = cpu::winograd::scheme_of<float>(g);
  return scheme.filter == nullptr ? 0 : scheme.filter->taps;
}

}  // namespace

TEST_CASE("layers for images have the kernel of narrow input") {
  CHECK(cpu::narrow::fits<float>(frames(3, 64, 4, 2, 1)));
  CHECK(cpu::narrow::fits<float>(frames(1, 32, 3)));
  CHECK_FALSE(cpu::narrow::fits<float>(frames(5, 64, 4, 2, 1)));
  CHECK_FALSE(cpu::narrow::fits<float>(frames(3, 64, 9)));
}

TEST_CASE("last layers of images, and adjoints of first ones, have vectors of pixels") {
  CHECK(cpu::narrow::fits_reversed<float>(frames(64, 3, 3)));
  CHECK(cpu::narrow::fits_reversed<float>(frames(16, 1, 7)));
  CHECK_FALSE(cpu::narrow::fits_reversed<float>(frames(64, 5, 3)));
  CHECK_FALSE(cpu::narrow::fits_reversed<float>(frames(256, 1, 3)));  // too few products to pay for the transposition
  CHECK_FALSE(cpu::narrow::fits_reversed<float>(frames(64, 3, 4, 2, 1)));
  CHECK(cpu::narrow::fits_adjoint<float>(frames(3, 12, 4, 2, 1)));
}

TEST_CASE("groups that do not fill a vector have the depthwise kernels") {
  for (const Index groups : {2, 32}) {
    ConvGeometry g = frames(32, 32, 3);
    g.groups = groups;
    CHECK(cpu::depthwise::fits<float>(g) == (32 / groups < cpu::lanes<float>));
  }
  CHECK_FALSE(cpu::depthwise::fits<float>(frames(1, 1, 3)));
}

TEST_CASE("kernels of one pixel, and as large as their images, are products of matrices") {
  CHECK(MatmulConv::fits(frames(64, 64, 1)));
  CHECK(MatmulConv::fits(frames(64, 64, 16, 1, 0)));
  CHECK_FALSE(MatmulConv::fits(frames(64, 64, 3)));
  CHECK_FALSE(MatmulConv::fits(frames(64, 64, 1, 2)));
  ConvGeometry grouped = frames(64, 64, 1);
  grouped.groups = 2;
  CHECK_FALSE(MatmulConv::fits(grouped));
}

TEST_CASE("kernels of neighbouring taps are filtered, where tiles and channels are many enough for the transforms") {
  CHECK(taps_of_filter(frames(64, 64, 3)) == 3);
  CHECK(taps_of_filter(frames(64, 64, 5)) == 5);
  CHECK(taps_of_filter(frames(64, 64, 7)) == 7);
  CHECK(taps_of_filter(frames(64, 64, 4, 2, 1)) == 2);  // four parts of the kernel
  CHECK(taps_of_filter(frames(64, 64, 5, 2)) == 3);
  CHECK(taps_of_filter(frames(64, 64, 9)) == 0);
  CHECK(taps_of_filter(frames(64, 64, 3, 2, 1)) == 0);  // of nine taps, 16 would be filtered
  CHECK(taps_of_filter(frames(16, 64, 3)) == 3);
  CHECK(taps_of_filter(frames(16, 16, 3)) == 0);  // too few products for the transforms
  ConvGeometry dilated = frames(64, 64, 3);
  dilated.dilation = {1, 2, 2};
  dilated.fit_output();
  CHECK(taps_of_filter(dilated) == 3);
  ConvGeometry one = frames(64, 64, 3);
  one.batch = 1, one.input = {1, 4, 4};
  one.fit_output();
  CHECK(taps_of_filter(one) == 0);
}

TEST_CASE("of a kernel in space and time the images are filtered, of a line its axis") {
  ConvGeometry clips = frames(64, 64, 3);
  clips.batch = 2, clips.input[0] = 16, clips.kernel[0] = 3, clips.padding[0] = 1;
  clips.fit_output();
  using Axes = std::array<bool, 3>;
  CHECK(cpu::winograd::scheme_of<float>(clips).filtered == Axes{false, true, true});
  clips.kernel = {3, 1, 1}, clips.padding = {1, 0, 0};
  clips.fit_output();
  CHECK(cpu::winograd::scheme_of<float>(clips).filtered == Axes{true, false, false});
}

TEST_CASE("channels that do not fill vectors are filled up for a filter, if few are missing") {
  CHECK(cpu::PaddedChannels<float>(frames(30, 30, 3)).fits());
  CHECK(cpu::PaddedChannels<float>(frames(30, 30, 3)).wide().in_channels == 32);
  CHECK_FALSE(cpu::PaddedChannels<float>(frames(32, 32, 3)).fits());  // none is missing
  CHECK_FALSE(cpu::PaddedChannels<float>(frames(17, 17, 3)).fits());
  CHECK_FALSE(cpu::PaddedChannels<float>(frames(30, 30, 9)).fits());  // no filter
}
