// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/vae.hpp>
#include <flipbook/models/vae/vq_vae.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder with a grid of latents, with the networks of VideoVqVae: Z numbers for every 4 frames of
/// 8×8 pixels, clips (N, T, H, W, C) ↔ latents (N, T/4, H/8, W/8, Z). Rombach et al., High-resolution image synthesis
/// with latent diffusion models, 2022.
template <int Channels = 1, int W = 64, int Z = 8, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using SpatialVae =
    Vae<vq_vae::Encoder3d<Channels, W, 2 * Z>, vq_vae::Decoder3d<Channels * Likelihood::parameters_per_channel, W, Z>,
        latent::DiagonalGaussian<Z>, Likelihood>;

/// The same for each frame separately: clips (N, T, H, W, C) ↔ latents (N, T, H/8, W/8, Z), of any number of frames.
template <int Channels = 1, int W = 64, int Z = 8, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using SpatialFrameVae = Vae<nn::PerFrame<vq_vae::Encoder2d<Channels, W, 2 * Z>>,
                            nn::PerFrame<vq_vae::Decoder2d<Channels * Likelihood::parameters_per_channel, W, Z>>,
                            latent::DiagonalGaussian<Z>, Likelihood>;

}  // namespace flipbook
