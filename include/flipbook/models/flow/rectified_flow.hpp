// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/nn/space_time.hpp>
#include <flipbook/nn/unet.hpp>

/// Rectified flows of clips: networks that map noise to clips of 32×32 and 64×64 pixels, of any number of frames.
namespace flipbook::inline FLIPBOOK_ISA {

namespace rectified_flow {

/// The U-Net: convolutions within frames find the content of each frame, and attention along time makes its motion
/// consistent. `patch` × `patch` pixels are folded into the channels of the first convolution.
constexpr nn::UNetOptions unet(int patch, int width, int condition) {
  return {.widths = {width, 2 * width},
          .attention = {nn::Attend::time, nn::Attend::space_time},
          .kernel = {1, 3, 3},
          .patch = {1, patch, patch},
          .condition = condition};
}
/// The transformer: patches of `patch` × `patch` pixels within a frame, and rotary positions.
constexpr nn::SpaceTimeOptions transformer(int patch, int width, int blocks, int condition) {
  return {.patch = {1, patch, patch}, .width = width, .blocks = blocks, .condition = condition};
}

}  // namespace rectified_flow

/// A rectified flow of clips of 32×32 pixels by a U-Net over patches of 2×2 pixels: 16×16 and 8×8 positions.
template <int Channels = 1, int Condition = 0, int W = 32>
using RectifiedFlow32 = Flow<nn::UNet<3, Channels, rectified_flow::unet(2, W, Condition)>>;

/// A rectified flow of clips of 64×64 pixels by a U-Net over patches of 4×4 pixels: 16×16 and 8×8 positions.
template <int Channels = 1, int Condition = 0, int W = 64>
using RectifiedFlow64 = Flow<nn::UNet<3, Channels, rectified_flow::unet(4, W, Condition)>>;

/// A rectified flow of clips of 32×32 pixels by a transformer over patches of 4×4 pixels.
template <int Channels = 1, int Condition = 0, int W = 96, int Blocks = 4>
using TransformerFlow32 =
    Flow<nn::SpaceTimeTransformer<Channels, rectified_flow::transformer(4, W, Blocks, Condition)>>;

/// A rectified flow of clips of 64×64 pixels by a transformer over patches of 8×8 pixels.
template <int Channels = 1, int Condition = 0, int W = 192, int Blocks = 6>
using TransformerFlow64 =
    Flow<nn::SpaceTimeTransformer<Channels, rectified_flow::transformer(8, W, Blocks, Condition)>>;

}  // namespace flipbook
