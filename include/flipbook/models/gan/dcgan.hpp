// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>

/// Generators and discriminators of frames after Radford et al., Unsupervised representation learning with
/// deep convolutional generative adversarial networks, 2016.
namespace flipbook::inline FLIPBOOK_ISA::dcgan {

namespace detail {
using namespace nn;
inline constexpr Window head{.kernel = 4, .bias = false};
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};  // halves or doubles an extent
}  // namespace detail

/// Noise (N, 1, 1, 100) → frames (N, 32, 32, Channels) in [−1, 1].
template <int Channels = 3, int Noise = 100>
using Generator = nn::Sequential<                                                 //
    nn::ConvTranspose2d<Noise, 512, detail::head>, nn::BatchNorm<512>, nn::ReLU,  // (N, 4, 4, 512)
    nn::ConvTranspose2d<512, 256, detail::half>, nn::BatchNorm<256>, nn::ReLU,    // (N, 8, 8, 256)
    nn::ConvTranspose2d<256, 128, detail::half>, nn::BatchNorm<128>, nn::ReLU,    // (N, 16, 16, 128)
    nn::ConvTranspose2d<128, Channels, detail::half>, nn::Tanh>;                  // (N, 32, 32, C)

/// Frames (N, 32, 32, Channels) in [−1, 1] → logits (N, 1, 1, 1).
template <int Channels = 3>
using Discriminator = nn::Sequential<                                            //
    nn::Conv2d<Channels, 128, detail::half>, nn::LeakyReLU<0.2>,                 // (N, 16, 16, 128)
    nn::Conv2d<128, 256, detail::half>, nn::BatchNorm<256>, nn::LeakyReLU<0.2>,  // (N, 8, 8, 256)
    nn::Conv2d<256, 512, detail::half>, nn::BatchNorm<512>, nn::LeakyReLU<0.2>,  // (N, 4, 4, 512)
    nn::Conv2d<512, 1, detail::head>>;                                           // (N, 1, 1, 1)

}  // namespace flipbook::dcgan

namespace flipbook::inline FLIPBOOK_ISA {

/// An adversarial network of frames of 32×32 pixels.
template <int Channels = 3, class Game = loss::NonSaturating>
using Dcgan = Gan<dcgan::Generator<Channels>, dcgan::Discriminator<Channels>, Game>;

}  // namespace flipbook
