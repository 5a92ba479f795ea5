// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/in_latents.hpp>
#include <flipbook/models/flow/rectified_flow.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Latent diffusion of clips: a rectified flow by a transformer whose tokens are the positions of a frozen
/// autoencoder's latents, such as those of SpatialVae. With flow::LevelPerFrame it continues clips to any length.
/// Rombach et al., High-resolution image synthesis with latent diffusion models, 2022; Blattmann et al., Align your
/// latents, 2023; the transformer as in Ma et al., Latte: latent diffusion transformer for video generation, 2024.
///
/// @tparam Autoencoder  clips (N, T, H, W, C) → latents (N, T', H', W', Z)
template <class Autoencoder, int Width = 192, int Blocks = 6, int Condition = 0, class Levels = flow::OneLevel>
using LatentDiffusion =
    InLatents<Autoencoder, Flow<nn::SpaceTimeTransformer<Autoencoder::LatentOf::size,
                                                         rectified_flow::transformer(1, Width, Blocks, Condition)>,
                                flow::Straight, Levels, flow::Range::unbounded>>;

}  // namespace flipbook
