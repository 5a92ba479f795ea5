// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/latent/categorical.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/state_space/state_space.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace rssm {

/// A gated recurrent unit reads z_{t−1} and a_{t−1}. The prior reads h_t, the posterior h_t and the code of frame t;
/// frame t is decoded from h_t and z_t.
template <int Actions, int Channels, int Size, int W, int Hidden, int Groups, int Classes, int Foretold, class L>
struct Parts {
  using Latent = latent::Categorical<Groups, Classes>;
  using Likelihood = L;
  template <int In>
  using Layer = nn::Sequential<nn::Linear<In, Hidden>, nn::RMSNorm<Hidden>, nn::SiLU>;
  static constexpr int z = Latent::size, features = Hidden + z;

  using Encoder = state_space::FrameEncoder<Size, Channels, W, Hidden>;
  using Transition = nn::Stack<Layer<z + Actions>, nn::GruCell<Hidden, Hidden>>;
  using Prior = nn::Stack<Layer<Hidden>, nn::Linear<Hidden, z>>;
  using Posterior = nn::Stack<Layer<Hidden + Hidden>, nn::Linear<Hidden, z>>;
  using Emission = nn::Stack<nn::Identity>;
  using Decoder = state_space::FrameDecoder<Size, features, W, Channels * Likelihood::parameters_per_channel>;
  using Head = std::conditional_t<(Foretold > 0),
                                  nn::Sequential<Layer<features>, nn::Linear<Hidden, std::max(Foretold, 1)>>, NoHead>;
  static constexpr Wiring wiring{.latent = true, .actions = Actions};
  static constexpr DivergenceSettings divergence{.beta = 1, .representation = 0.1, .free_nats = 1};
};

}  // namespace rssm

/// The recurrent state-space model, a world model: clips (N, T, Size, Size, Channels) with actions (N, T, Actions).
/// Each z consists of one-hot vectors; the divergence is balanced, with one free nat for each frame. Hafner et al.,
/// Mastering diverse domains through world models (DreamerV3), 2023; here with one gated recurrent unit of dense
/// weights, and strided convolutions.
///
/// @tparam Foretold  size of the clips' `state`, such as a reward, that a head predicts by squared error; 0: no head
template <int Actions, int Channels = 3, int Size = 64, int W = 16, int Hidden = 256, int Groups = 16, int Classes = 16,
          int Foretold = 0, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using Rssm = StateSpace<rssm::Parts<Actions, Channels, Size, W, Hidden, Groups, Classes, Foretold, Likelihood>>;

}  // namespace flipbook
