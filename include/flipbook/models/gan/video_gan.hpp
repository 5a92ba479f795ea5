// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>

/// Generators and discriminators of whole clips by convolution in time and space, after Vondrick et al.,
/// Generating videos with scene dynamics, 2016.
namespace flipbook::inline FLIPBOOK_ISA::video_gan {

namespace detail {
inline constexpr Window head{.kernel = {2, 4, 4}, .bias = false};
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};
/// Keeps the number of frames, halves or doubles height and width.
inline constexpr Window flat{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1, .bias = false};
}  // namespace detail

/// Noise (N, 1, 1, 1, 100) → clips (N, 16, 64, 64, Channels) in [−1, 1]; W is the width of the last layer.
template <int Channels = 3, int W = 32, int Noise = 100>
using Generator = nn::Sequential<                                                     //
    nn::ConvTranspose3d<Noise, 8 * W, detail::head>, nn::BatchNorm<8 * W>, nn::ReLU,  // (N, 2, 4, 4, 8W)
    nn::ConvTranspose3d<8 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::ReLU,  // (N, 4, 8, 8, 4W)
    nn::ConvTranspose3d<4 * W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::ReLU,  // (N, 8, 16, 16, 2W)
    nn::ConvTranspose3d<2 * W, W, detail::half>, nn::BatchNorm<W>, nn::ReLU,          // (N, 16, 32, 32, W)
    nn::ConvTranspose3d<W, Channels, detail::flat>, nn::Tanh>;                        // (N, 16, 64, 64, C)

/// Frames (N, 64, 64, Channels) in [−1, 1] → logits (N, 1, 1, 1).
template <int Channels = 3, int W = 32>
using FrameDiscriminator = nn::Sequential<                                             //
    nn::Conv2d<Channels, W, detail::half>, nn::LeakyReLU<0.2>,                         // (N, 32, 32, W)
    nn::Conv2d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 16, 16, 2W)
    nn::Conv2d<2 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 8, 8, 4W)
    nn::Conv2d<4 * W, 8 * W, detail::half>, nn::BatchNorm<8 * W>, nn::LeakyReLU<0.2>,  // (N, 4, 4, 8W)
    nn::Conv2d<8 * W, 1, Window{.kernel = 4, .bias = false}>>;                         // (N, 1, 1, 1)

/// Clips (N, 16, 32, 32, Channels) in [−1, 1], such as clips downsampled by 2 → logits (N, 1, 1, 1, 1).
template <int Channels = 3, int W = 32>
using CoarseDiscriminator = nn::Sequential<                                            //
    nn::Conv3d<Channels, W, detail::half>, nn::LeakyReLU<0.2>,                         // (N, 8, 16, 16, W)
    nn::Conv3d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 4, 8, 8, 2W)
    nn::Conv3d<2 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 2, 4, 4, 4W)
    nn::Conv3d<4 * W, 1, detail::head>>;                                               // (N, 1, 1, 1, 1)

/// Clips (N, 16, 64, 64, Channels) in [−1, 1] → logits (N, 1, 1, 1, 1).
template <int Channels = 3, int W = 32>
using Discriminator = nn::Sequential<                                                  //
    nn::Conv3d<Channels, W, detail::flat>, nn::LeakyReLU<0.2>,                         // (N, 16, 32, 32, W)
    nn::Conv3d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 8, 16, 16, 2W)
    nn::Conv3d<2 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 4, 8, 8, 4W)
    nn::Conv3d<4 * W, 8 * W, detail::half>, nn::BatchNorm<8 * W>, nn::LeakyReLU<0.2>,  // (N, 2, 4, 4, 8W)
    nn::Conv3d<8 * W, 1, detail::head>>;                                               // (N, 1, 1, 1, 1)

}  // namespace flipbook::video_gan

namespace flipbook::inline FLIPBOOK_ISA {

/// An adversarial network of clips of 16 frames of 64×64 pixels.
template <int Channels = 3, int W = 32, class Game = loss::NonSaturating>
using VideoGan = Gan<video_gan::Generator<Channels, W>, video_gan::Discriminator<Channels, W>, Game>;

/// The same generator with two discriminators: one of eight random frames of each clip, one of whole clips at half the
/// height and width. After Clark et al., Adversarial video generation on complex datasets (DVD-GAN), 2019.
template <int Channels = 3, int W = 32, class Game = loss::Hinge>
using DualVideoGan =
    Gan<video_gan::Generator<Channels, W>,
        Discriminators<ViewDiscriminator<video_gan::FrameDiscriminator<Channels, W>, view::RandomFrames<8>>,
                       ViewDiscriminator<video_gan::CoarseDiscriminator<Channels, W>, view::Downsampled<2>>>,
        Game>;

}  // namespace flipbook
