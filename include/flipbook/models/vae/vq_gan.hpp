// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/adversarial.hpp>
#include <flipbook/models/vae/vq_vae.hpp>
#include <flipbook/nn/activation.hpp>

/// Patch discriminators: a logit for each of many overlapping patches of an image or a clip, since quantisation loses
/// texture, not the whole. Isola et al., Image-to-image translation with conditional adversarial networks, 2017.
namespace flipbook::inline FLIPBOOK_ISA::vq_gan {

namespace detail {
inline constexpr Window first{.kernel = 4, .stride = 2, .padding = 1};
inline constexpr Window first_flat{.kernel = {3, 4, 4}, .stride = {1, 2, 2}, .padding = 1};
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};
inline constexpr Window same{.kernel = 4, .padding = 1, .bias = false}, logits{.kernel = 4, .padding = 1};
}  // namespace detail

/// Images (N, 64, 64, Channels) in [−1, 1] → logits (N, 14, 14, 1), each with a receptive field of 34×34 pixels.
template <int Channels = 1, int W = 32>
using ImageDiscriminator = nn::Sequential<                                             //
    nn::Conv2d<Channels, W, detail::first>, nn::LeakyReLU<0.2>,                        // (N, 32, 32, W)
    nn::Conv2d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 16, 16, 2W)
    nn::Conv2d<2 * W, 4 * W, detail::same>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 15, 15, 4W)
    nn::Conv2d<4 * W, 1, detail::logits>>;                                             // (N, 14, 14, 1)

/// Clips (N, 16, 64, 64, Channels) in [−1, 1] → logits (N, 6, 14, 14, 1), each with a receptive field of 18 frames of
/// 34×34 pixels.
template <int Channels = 1, int W = 32>
using VideoDiscriminator = nn::Sequential<                                             //
    nn::Conv3d<Channels, W, detail::first_flat>, nn::LeakyReLU<0.2>,                   // (N, 16, 32, 32, W)
    nn::Conv3d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 8, 16, 16, 2W)
    nn::Conv3d<2 * W, 4 * W, detail::same>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 7, 15, 15, 4W)
    nn::Conv3d<4 * W, 1, detail::logits>>;                                             // (N, 6, 14, 14, 1)

}  // namespace flipbook::vq_gan

namespace flipbook::inline FLIPBOOK_ISA {

/// An autoencoder with discrete codes and two patch discriminators of its reconstructions, one of random frames and one
/// of clips. The game's loss is weighted so that its gradient in the decoder's last layer is as large as that of the
/// autoencoder's own loss. Esser et al., Taming transformers for high-resolution image synthesis (VQGAN), 2021; for
/// clips, Ge et al., Long video generation with time-agnostic VQGAN and time-sensitive transformer (TATS), 2022. The
/// member `model` is the autoencoder, which InLatents takes as its tokenizer, or a Perceptual one.
///
/// @tparam Autoencoder  such as VideoVqVae, of clips (N, 16, 64, 64, Channels); or Perceptual<VideoVqVae<…>, Features>
template <class Autoencoder, int Channels = 1, int W = 32>
using VqGan =
    Adversarial<Autoencoder,
                Discriminators<ViewDiscriminator<vq_gan::ImageDiscriminator<Channels, W>, view::RandomFrames<4>>,
                               vq_gan::VideoDiscriminator<Channels, W>>,
                loss::Hinge, regulariser::NoPenalty, weight::Adaptive>;

}  // namespace flipbook
