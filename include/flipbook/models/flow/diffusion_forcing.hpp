// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/rectified_flow.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Diffusion forcing of clips of 32×32 pixels: a rectified flow with a noise level for each frame, with the U-Net of
/// RectifiedFlow32. It continues clips to any length. Chen et al., Diffusion forcing: next-token prediction meets
/// full-sequence diffusion, 2024.
template <int Channels = 1, int Condition = 0, int W = 32>
using DiffusionForcing32 =
    Flow<nn::UNet<3, Channels, rectified_flow::unet(2, W, Condition)>, flow::Straight, flow::LevelPerFrame>;

/// The same for clips of 64×64 pixels, with the U-Net of RectifiedFlow64.
template <int Channels = 1, int Condition = 0, int W = 64>
using DiffusionForcing64 =
    Flow<nn::UNet<3, Channels, rectified_flow::unet(4, W, Condition)>, flow::Straight, flow::LevelPerFrame>;

}  // namespace flipbook
