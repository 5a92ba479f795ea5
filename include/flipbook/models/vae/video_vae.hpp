// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

/// Symmetric convolutional encoders and decoders of clips and of frames.
namespace flipbook::inline FLIPBOOK_ISA::video_vae {

namespace detail {
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};  // halves or doubles an extent
/// Keeps the number of frames, halves or doubles height and width.
inline constexpr Window flat{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1};
}  // namespace detail

/// Clips (N, 16, 64, 64, Channels) → (N, 2Z); W is the width of the first layer.
template <int Channels, int W, int Z>
using Encoder3d = nn::Sequential<                        //
    nn::Conv3d<Channels, W, detail::flat>, nn::ReLU,     // (N, 16, 32, 32, W)
    nn::Conv3d<W, 2 * W, detail::half>, nn::ReLU,        // (N, 8, 16, 16, 2W)
    nn::Conv3d<2 * W, 4 * W, detail::half>, nn::ReLU,    // (N, 4, 8, 8, 4W)
    nn::Conv3d<4 * W, 8 * W, detail::half>, nn::ReLU,    // (N, 2, 4, 4, 8W)
    nn::Flatten, nn::Linear<8 * W * 2 * 4 * 4, 2 * Z>>;  // (N, 2Z)

/// z (N, Z) → the likelihood's parameters (N, 16, 64, 64, Channels).
template <int Channels, int W, int Z>
using Decoder3d = nn::Sequential<                                     //
    nn::Linear<Z, 8 * W * 2 * 4 * 4>, nn::Unflatten<2, 4, 4, 8 * W>,  // (N, 2, 4, 4, 8W)
    nn::ConvTranspose3d<8 * W, 4 * W, detail::half>, nn::ReLU,        // (N, 4, 8, 8, 4W)
    nn::ConvTranspose3d<4 * W, 2 * W, detail::half>, nn::ReLU,        // (N, 8, 16, 16, 2W)
    nn::ConvTranspose3d<2 * W, W, detail::half>, nn::ReLU,            // (N, 16, 32, 32, W)
    nn::ConvTranspose3d<W, Channels, detail::flat>>;                  // (N, 16, 64, 64, C)

/// Frames (N, 64, 64, Channels) → (N, 2Z).
template <int Channels, int W, int Z>
using Encoder2d = nn::Sequential<                      //
    nn::Conv2d<Channels, W, detail::half>, nn::ReLU,   // (N, 32, 32, W)
    nn::Conv2d<W, 2 * W, detail::half>, nn::ReLU,      // (N, 16, 16, 2W)
    nn::Conv2d<2 * W, 4 * W, detail::half>, nn::ReLU,  // (N, 8, 8, 4W)
    nn::Conv2d<4 * W, 8 * W, detail::half>, nn::ReLU,  // (N, 4, 4, 8W)
    nn::Flatten, nn::Linear<8 * W * 4 * 4, 2 * Z>>;    // (N, 2Z)

/// z (N, Z) → the likelihood's parameters of a frame (N, 64, 64, Channels).
template <int Channels, int W, int Z>
using Decoder2d = nn::Sequential<                               //
    nn::Linear<Z, 8 * W * 4 * 4>, nn::Unflatten<4, 4, 8 * W>,   // (N, 4, 4, 8W)
    nn::ConvTranspose2d<8 * W, 4 * W, detail::half>, nn::ReLU,  // (N, 8, 8, 4W)
    nn::ConvTranspose2d<4 * W, 2 * W, detail::half>, nn::ReLU,  // (N, 16, 16, 2W)
    nn::ConvTranspose2d<2 * W, W, detail::half>, nn::ReLU,      // (N, 32, 32, W)
    nn::ConvTranspose2d<W, Channels, detail::half>>;            // (N, 64, 64, C)

}  // namespace flipbook::video_vae

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder of clips of 16 frames of 64×64 pixels, with one z for the whole clip.
template <int Channels = 1, int W = 32, int Z = 128, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using VideoVae =
    Vae<video_vae::Encoder3d<Channels, W, Z>, video_vae::Decoder3d<Channels * Likelihood::parameters_per_channel, W, Z>,
        latent::DiagonalGaussian<Z>, Likelihood>;

/// The same for each frame separately: clips (N, T, 64, 64, C), one z for each frame.
template <int Channels = 1, int W = 32, int Z = 64, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using FrameVae = Vae<nn::PerFrame<video_vae::Encoder2d<Channels, W, Z>>,
                     nn::PerFrame<video_vae::Decoder2d<Channels * Likelihood::parameters_per_channel, W, Z>>,
                     latent::DiagonalGaussian<Z>, Likelihood>;

}  // namespace flipbook
