// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/models/vae/vae.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder with a learned prior: a flow over its latents z, trained in the same step.
///
///     loss = −ELBO(x), with its β, + prior_weight · E |v − dz_t/dt|²,   z a constant to the second term
///
/// A small β keeps reconstructions sharp and leaves the latents far from N(0, I); new clips are decoded from samples of
/// the flow. After Rombach et al., High-resolution image synthesis with latent diffusion models, 2022, whose
/// autoencoder is trained first.
///
/// @tparam Autoencoder  a Vae, x (N, …, C) → z (N, …, Z): one latent for each clip, frame or position
/// @tparam Prior        a Flow over latents of Z channels, of unbounded range, such as CodeFlow<Z>
template <class Autoencoder, class Prior>
struct LatentFlow {
  static constexpr int in = Autoencoder::in;
  static constexpr bool unit_interval = Autoencoder::unit_interval;
  using LatentOf = typename Autoencoder::LatentOf;
  static_assert(Prior::in == LatentOf::size, "LatentFlow: the prior must be of as many channels as the codes");
  static_assert(!Prior::unit_interval, "LatentFlow: the prior must be of numbers of any range");

  template <Real T, class B>
  struct Instance {
    Of<Autoencoder, T, B> autoencoder;
    Of<Prior, T, B> prior;
    double prior_weight = 1;  ///< of the flow's loss; Adam's steps do not depend on it, gradient clipping does

    explicit Instance(Rng& rng) : autoencoder(rng), prior(rng) {}
    static void fields(auto& self, auto&& field) {
      field("autoencoder", self.autoencoder);
      field("prior", self.prior);
      field("prior_weight", self.prior_weight);
    }

    /// The training loss, a single number.
    /// @throws Error  if the autoencoder's `importance_samples` is not 1
    Variable<T, B> loss(const Variable<T, B>& x) const {
      require(autoencoder.importance_samples == 1, "LatentFlow: ", autoencoder.importance_samples,
              " importance samples; the flow learns from 1 draw of z");
      const auto q = autoencoder.encode(x);
      const auto z = LatentOf::sample(q);
      const auto log_p = autoencoder.likelihood.log_prob(autoencoder.decode(z), x);
      const auto bound = flipbook::loss::elbo(log_p, LatentOf::kl_elements(q), autoencoder.settings);
      return prior_weight * prior.loss(stop_gradient(z)) - mean(bound);
    }

    /// E[x|z] at the mean of q(z|x).
    Tensor<T, B> reconstruct(const Tensor<T, B>& x) const { return autoencoder.reconstruct(x); }
    /// New clips from latents of a shape (N, …, Z).
    Tensor<T, B> sample(const Shape& codes, Rng& rng, const flow::Sampling& how = {}) const {
      return autoencoder.expectation(prior.sample(codes, rng, how));
    }
  };
};

}  // namespace flipbook
