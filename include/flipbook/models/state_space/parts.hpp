// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/latent/latent.hpp>
#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/nn/recurrent.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The inputs of the networks of a StateSpace: a constant of its parts, such as `Wiring{.latent = true, .actions = 3}`.
struct Wiring {
  bool frame = false;        ///< h_t reads the code of frame t − 1
  bool latent = false;       ///< h_t reads z_{t−1}
  int actions = 0;           ///< h_t reads action t − 1, of this size; 0: no actions
  bool posterior = true;     ///< q(z_t) reads h_t and the code of frame t, else only the code
  bool first_given = false;  ///< the first frame is given: it has no z, and is not modelled
};

/// The weights of the divergence in the loss of a StateSpace.
struct DivergenceSettings {
  double beta = 1;  ///< weight of the divergence
  /// The fraction of its gradient that reaches q, while all of it reaches p (KL balancing). With a standard prior, all
  /// of it reaches q.
  double representation = 1;
  double free_nats = 0;  ///< nats of each frame that are exempt from the loss
};

/// Replaces the network of the prior: z_t has the latent's fixed prior, independent of earlier frames.
struct StandardPrior {
  template <Real T, class B>
  struct Instance {};
};
/// Replaces a head, if there are no annotations to predict.
struct NoHead {
  template <Real T, class B>
  struct Instance {};
};

/// The parts of a StateSpace.
///
///     Encoder      of frames: (M, H, W, C) → codes (M, E); or a state_space::SkipEncoder
///     Transition   nn::Stepwise: the inputs that `wiring` names, concatenated in its order → h (N, T, H)
///     Prior        nn::Stepwise: h → the latent's parameters; or StandardPrior
///     Posterior    nn::Stepwise: h and the frame's code, or the code alone → the latent's parameters
///     Emission     nn::Stepwise: h and z → features (N, T, F)
///     Decoder      of features: (M, F) → the likelihood's parameters (M, H, W, C'); or a state_space::SkipDecoder
///     Head         of features: → annotations of each frame, such as a reward, (N, T, S); or NoHead
///     Latent, Likelihood, and the constants Wiring wiring, DivergenceSettings divergence
template <class P>
concept StateSpaceParts = requires {
  requires nn::Layer<typename P::Encoder> && nn::Layer<typename P::Decoder>;
  requires nn::Stepwise<typename P::Transition> && nn::Stepwise<typename P::Posterior>;
  requires nn::Stepwise<typename P::Emission>;
  requires std::same_as<typename P::Prior, StandardPrior> ||
      (nn::Stepwise<typename P::Prior> && latent::LearnedPrior<typename P::Latent>);
  requires std::same_as<typename P::Head, NoHead> || nn::Layer<typename P::Head>;
  requires latent::Latent<typename P::Latent> && likelihood::Likelihood<typename P::Likelihood>;
  { P::wiring } -> std::convertible_to<Wiring>;
  { P::divergence } -> std::convertible_to<DivergenceSettings>;
};

}  // namespace flipbook
