// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/state_space/state_space.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace vrnn {

/// An LSTM reads the frame and z of every earlier step. Prior, posterior and decoder read its output.
template <int Channels, int Size, int W, int Hidden, int Z, class L>
struct Parts {
  using Latent = latent::DiagonalGaussian<Z>;
  using Likelihood = L;
  using Encoder = state_space::FrameEncoder<Size, Channels, W, Hidden>;
  using Transition = nn::Stack<nn::Linear<Hidden + Z, Hidden>, nn::ReLU, nn::LstmCell<Hidden, Hidden>>;
  using Prior = nn::Stack<nn::Linear<Hidden, Hidden>, nn::ReLU, nn::Linear<Hidden, 2 * Z>>;
  using Posterior = nn::Stack<nn::Linear<Hidden + Hidden, Hidden>, nn::ReLU, nn::Linear<Hidden, 2 * Z>>;
  using Emission = nn::Stack<nn::Identity>;
  using Decoder = state_space::FrameDecoder<Size, Hidden + Z, W, Channels * Likelihood::parameters_per_channel>;
  using Head = NoHead;
  static constexpr Wiring wiring{.frame = true, .latent = true};
  static constexpr DivergenceSettings divergence{};
};

}  // namespace vrnn

/// The variational recurrent network over frames: clips (N, T, Size, Size, Channels). Chung et al., A recurrent latent
/// variable model for sequential data, 2015; its h_{t−1}, after frame t − 1, is called h_t here.
template <int Channels = 1, int Size = 64, int W = 16, int Hidden = 256, int Z = 16,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using Vrnn = StateSpace<vrnn::Parts<Channels, Size, W, Hidden, Z, Likelihood>>;

}  // namespace flipbook
