// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/state_space/state_space.hpp>

/// The networks of the stochastic video generator.
namespace flipbook::inline FLIPBOOK_ISA::svg {

namespace detail {

// No bias, since batch normalisation would cancel it.
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};
inline constexpr Window whole{.kernel = 4, .bias = false};  // between 4 × 4 pixels and one
template <int In, int Out>
using Down = nn::Sequential<nn::Conv2d<In, Out, half>, nn::BatchNorm<Out>, nn::LeakyReLU<0.2>>;
template <int In, int Out>
using Up = nn::Sequential<nn::ConvTranspose2d<In, Out, half>, nn::BatchNorm<Out>, nn::LeakyReLU<0.2>>;

template <int C, int W, int Code, std::size_t... I>
auto encoder(std::index_sequence<I...>) -> state_space::SkipEncoder<
    Down<I == 0 ? C : (W << I) / 2, (W << I)>...,
    nn::Sequential<nn::Conv2d<(W << (sizeof...(I) - 1)), Code, whole>, nn::BatchNorm<Code>, nn::Tanh>>;
template <int Code, int W, int D, std::size_t... I>
auto decoder(std::index_sequence<I...>) -> state_space::SkipDecoder<
    nn::Sequential<nn::Unflatten<1, 1, Code>, nn::ConvTranspose2d<Code, (W << sizeof...(I)), whole>,
                   nn::BatchNorm<(W << sizeof...(I))>, nn::LeakyReLU<0.2>>,
    Up<2 * (W << (sizeof...(I) - I)), (W << (sizeof...(I) - I)) / 2>...,
    nn::ConvTranspose2d<2 * W, D, state_space::detail::half>>;

}  // namespace detail

/// Frames (M, Size, Size, C) → codes (M, Code) and feature maps; W is the width of the first layer.
template <int Size, int C, int W, int Code>
using Encoder =
    decltype(detail::encoder<C, W, Code>(std::make_index_sequence<state_space::detail::halvings<Size>()>{}));
/// Codes and feature maps → the likelihood's parameters (M, Size, Size, D).
template <int Size, int Code, int W, int D>
using Decoder =
    decltype(detail::decoder<Code, W, D>(std::make_index_sequence<state_space::detail::halvings<Size>() - 1>{}));

/// h_t is the code of frame t − 1. The prior reads h_t, the posterior the code of frame t, each with an LSTM; two more
/// LSTMs predict the code of frame t from h_t and z_t.
template <int Channels, int Size, int W, int Code, int Hidden, int Z, bool learned_prior, class L>
struct Parts {
  using Latent = latent::DiagonalGaussian<Z>;
  using Likelihood = L;
  using Encoder = svg::Encoder<Size, Channels, W, Code>;
  using Transition = nn::Stack<nn::Identity>;
  using Posterior = nn::Stack<nn::Linear<Code, Hidden>, nn::LstmCell<Hidden, Hidden>, nn::Linear<Hidden, 2 * Z>>;
  using Prior = std::conditional_t<learned_prior, Posterior, StandardPrior>;
  using Emission = nn::Stack<nn::Linear<Code + Z, Hidden>, nn::LstmCell<Hidden, Hidden>, nn::LstmCell<Hidden, Hidden>,
                             nn::Linear<Hidden, Code>, nn::Tanh>;
  using Decoder = svg::Decoder<Size, Code, W, Channels * Likelihood::parameters_per_channel>;
  using Head = NoHead;
  static constexpr Wiring wiring{.frame = true, .posterior = false, .first_given = true};
  static constexpr DivergenceSettings divergence{};
};

}  // namespace flipbook::svg

namespace flipbook::inline FLIPBOOK_ISA {

/// The stochastic video generator with a learned prior: clips (N, T, Size, Size, Channels), whose first frame is given.
/// Denton and Fergus, Stochastic video generation with a learned prior, 2018. Their β = 1e-4 with the mean squared
/// error is β = 1 with likelihood::FixedGaussian<0.45> for grey frames of 64 × 64 pixels. Batch normalisation is over
/// all frames of the clips at once, not over each time step.
template <int Channels = 1, int Size = 64, int W = 16, int Code = 128, int Hidden = 256, int Z = 10,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using Svg = StateSpace<svg::Parts<Channels, Size, W, Code, Hidden, Z, true, Likelihood>>;

/// The same with a fixed prior, N(0, 1) at every frame.
template <int Channels = 1, int Size = 64, int W = 16, int Code = 128, int Hidden = 256, int Z = 10,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using SvgFixedPrior = StateSpace<svg::Parts<Channels, Size, W, Code, Hidden, Z, false, Likelihood>>;

}  // namespace flipbook
