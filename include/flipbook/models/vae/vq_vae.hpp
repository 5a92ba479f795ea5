// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/quantizer/vector.hpp>

/// Convolutional encoders and decoders of clips and of frames, with a code for each position of a grid. W is the width
/// of the layers next to the codes; frames have any size that the strides divide.
namespace flipbook::inline FLIPBOOK_ISA::vq_vae {

namespace detail {
using video_vae::detail::flat, video_vae::detail::half;
// A layer needs no bias before a normalisation.
inline constexpr Window same{.kernel = 3, .padding = 1, .bias = false}, point{.kernel = 1, .bias = false},
    unbiased_half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};
}  // namespace detail

/// x + W₂·ReLU(norm(W₁ * ReLU(norm(x)))), with kernels of 3 and 1.
template <int Dimensions, int W>
using Block = nn::Residual<nn::BatchNorm<W>, nn::ReLU, nn::Conv<Dimensions, W, W, detail::same>, nn::BatchNorm<W>,
                           nn::ReLU, nn::Conv<Dimensions, W, W, detail::point>>;
/// Two blocks, then a normalisation and ReLU.
template <int Dimensions, int W>
using Blocks = nn::Sequential<Block<Dimensions, W>, Block<Dimensions, W>, nn::BatchNorm<W>, nn::ReLU>;

/// Clips (N, T, H, W, Channels) → (N, T/4, H/8, W/8, Z).
template <int Channels, int W, int Z>
using Encoder3d = nn::Sequential<                         //
    nn::Conv3d<Channels, W / 2, detail::flat>, nn::ReLU,  // (N, T, H/2, W/2, W/2)
    nn::Conv3d<W / 2, W, detail::half>, nn::ReLU,         // (N, T/2, H/4, W/4, W)
    nn::Conv3d<W, W, detail::unbiased_half>,              // (N, T/4, H/8, W/8, W)
    Blocks<3, W>, nn::Conv3d<W, Z, Window{.kernel = 1}>>;

/// z (N, T, H, W, Z) → the likelihood's parameters (N, 4T, 8H, 8W, Channels).
template <int Channels, int W, int Z>
using Decoder3d = nn::Sequential<                           //
    nn::Conv3d<Z, W, detail::same>, Blocks<3, W>,           // (N, T, H, W, W)
    nn::ConvTranspose3d<W, W, detail::half>, nn::ReLU,      // (N, 2T, 2H, 2W, W)
    nn::ConvTranspose3d<W, W / 2, detail::half>, nn::ReLU,  // (N, 4T, 4H, 4W, W/2)
    nn::ConvTranspose3d<W / 2, Channels, detail::flat>>;    // (N, 4T, 8H, 8W, Channels)

/// Frames (N, H, W, Channels) → (N, H/8, W/8, Z).
template <int Channels, int W, int Z>
using Encoder2d = nn::Sequential<                         //
    nn::Conv2d<Channels, W / 2, detail::half>, nn::ReLU,  // (N, H/2, W/2, W/2)
    nn::Conv2d<W / 2, W, detail::half>, nn::ReLU,         // (N, H/4, W/4, W)
    nn::Conv2d<W, W, detail::unbiased_half>,              // (N, H/8, W/8, W)
    Blocks<2, W>, nn::Conv2d<W, Z, Window{.kernel = 1}>>;

/// z (N, H, W, Z) → the likelihood's parameters of a frame (N, 8H, 8W, Channels).
template <int Channels, int W, int Z>
using Decoder2d = nn::Sequential<                           //
    nn::Conv2d<Z, W, detail::same>, Blocks<2, W>,           // (N, H, W, W)
    nn::ConvTranspose2d<W, W, detail::half>, nn::ReLU,      // (N, 2H, 2W, W)
    nn::ConvTranspose2d<W, W / 2, detail::half>, nn::ReLU,  // (N, 4H, 4W, W/2)
    nn::ConvTranspose2d<W / 2, Channels, detail::half>>;    // (N, 8H, 8W, Channels)

}  // namespace flipbook::vq_vae

namespace flipbook::inline FLIPBOOK_ISA {

/// An autoencoder of clips with a code for every 4 frames of 8×8 pixels: clips (N, 16, 64, 64, C) have codes
/// (N, 4, 8, 8). Walker et al., Predicting video with VQVAE, 2021; Yan et al., VideoGPT, 2021.
template <int Channels = 1, int W = 64, quantizer::Quantizer Quantizer = quantizer::Vector<512, 32>,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using VideoVqVae =
    Autoencoder<vq_vae::Encoder3d<Channels, W, Quantizer::size>, Quantizer,
                vq_vae::Decoder3d<Channels * Likelihood::parameters_per_channel, W, Quantizer::size>, Likelihood>;

/// The same for each frame separately: clips (N, T, 64, 64, C) have codes (N, T, 8, 8).
template <int Channels = 1, int W = 64, quantizer::Quantizer Quantizer = quantizer::Vector<512, 32>,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using FrameVqVae =
    Autoencoder<nn::PerFrame<vq_vae::Encoder2d<Channels, W, Quantizer::size>>, Quantizer,
                nn::PerFrame<vq_vae::Decoder2d<Channels * Likelihood::parameters_per_channel, W, Quantizer::size>>,
                Likelihood>;

}  // namespace flipbook
