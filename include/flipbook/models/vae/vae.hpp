// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/autodiff/list.hpp>
#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/latent/latent.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/loss/elbo.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/repeat.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder of frames or clips: an encoder outputs q(z|x), a decoder p(x|z).
///
///     ELBO(x) = E_{q(z|x)} [log p(x|z)] − KL(q(z|x) ‖ p(z))  ≤  log p(x)
///
/// Kingma and Welling, Auto-encoding variational Bayes, 2014.
///
/// @tparam Encoder     (N, …, C) → the latent's parameters, (N, 2Z) for latent::DiagonalGaussian<Z>
/// @tparam Decoder     z (N, Z) → the likelihood's parameters (N, …, C · parameters_per_channel)
template <nn::Layer Encoder, latent::Latent Latent, nn::Layer Decoder, likelihood::Likelihood Likelihood>
struct Autoencoder<Encoder, Latent, Decoder, Likelihood> {
  static_assert(nn::channels_match<Encoder::out, Latent::parameters>,
                "Vae: the encoder must give the latent's parameters, a mean and a log-variance for each number of z");
  static_assert(nn::channels_match<Latent::size, Decoder::in>, "Vae: the decoder must take the latent's numbers");
  static_assert(nn::channels_match < Decoder::out,
                Encoder::in<0 ? nn::unknown : Encoder::in * Likelihood::parameters_per_channel>,
                "Vae: the decoder must give the likelihood's parameters for each channel that the encoder takes");
  static constexpr int in = Encoder::in;
  static constexpr bool unit_interval = likelihood::unit_interval<Likelihood>;
  using LatentOf = Latent;

  template <Real T, class B>
  struct Instance {
    Of<Encoder, T, B> encoder;
    Of<Decoder, T, B> decoder;
    Of<Likelihood, T, B> likelihood;
    flipbook::loss::ElboSettings settings;  ///< β and free bits of `loss`
    /// Draws of z for each clip in `loss`. With more than one, the loss is the bound of the importance weighted
    /// autoencoder, which has no β and no free bits.
    Index importance_samples = 1;

    explicit Instance(Rng& rng)
        : encoder(rng), decoder(rng), likelihood(detail::make_instance<Of<Likelihood, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("encoder", self.encoder);
      field("decoder", self.decoder);
      field("likelihood", self.likelihood);
      field("beta", self.settings.beta);
      field("free_bits", self.settings.free_bits);
      field("importance_samples", self.importance_samples);
    }

    /// q(z|x).
    /// @throws Error  if there are no clips, or their channels are not the encoder's
    template <Value X>
    auto encode(const X& x) const {
      detail::require_clips("Vae", x.shape(), in);
      return Latent::posterior(encoder(x));
    }
    /// The parameters of p(x|z).
    template <Value Z>
    Z decode(const Z& z) const {
      return decoder(z);
    }
    /// E[x|z], in the range of the data.
    Tensor<T, B> expectation(const Tensor<T, B>& z) const { return likelihood.mean(decoder(z)); }

    /// The evidence lower bound of each clip, in nats, with one draw of z: (N).
    template <Value X>
    X elbo(const X& x, Rng& rng) const {
      const auto q = encode(x);
      return flipbook::loss::elbo(likelihood.log_prob(decoder(Latent::sample(q, rng)), x), Latent::kl(q));
    }
    /// The training loss: −ELBO in nats, with β and free bits, or the negative importance weighted bound, averaged over
    /// the clips.
    Variable<T, B> loss(const Variable<T, B>& x) const {
      static_assert(flipbook::likelihood::HasLogProb<Of<Likelihood, T, B>, Variable<T, B>, Variable<T, B>>,
                    "Vae: the likelihood has no log_prob(parameters, x)");
      if (importance_samples != 1) return -mean(importance_weighted_bound(x, importance_samples, x.tape().rng()));
      return pass(x).loss;
    }

    /// Clips and reconstructions, from one draw of z, for discriminators: see Adversarial.
    /// @param clips  (N, …, C) in [0, 1]
    /// @throws Error  if `importance_samples` is not 1, since several draws have no single reconstruction
    Reconstructed<T, B> play(Tape& tape, const Tensor<T, B>& clips, Rng&) const {
      require(importance_samples == 1, "Vae: ", importance_samples,
              " importance samples; discriminators need the reconstruction from 1");
      const auto made = pass(tape.constant(clips));
      return {affine(clips, 2, -1), affine(likelihood.mean(made.parameters), 2, -1), made.loss};
    }
    /// The decoder, whose last weight produces the reconstructions: see weight::Adaptive.
    const auto& last_layer() const { return decoder; }

    /// A lower bound of log p(x), in nats, from `draws` draws of z for each clip: (N). On average it is at least the
    /// ELBO, and tighter with more draws. Burda et al., Importance weighted autoencoders, 2016.
    /// @throws Error  if there are no draws, or β or free bits are set, which this bound does not have
    template <Value X>
    X importance_weighted_bound(const X& x, Index draws, Rng& rng) const {
      require(draws > 0, "importance_weighted_bound: ", draws, " draws; needs at least 1");
      require(settings.beta == 1 && settings.free_bits == 0, "importance_weighted_bound: takes no beta (",
              settings.beta, ") and no free bits (", settings.free_bits, ")");
      detail::require_clips("Vae", x.shape(), in);
      const auto q = Latent::posterior(repeat_interleave(encoder(x), draws));
      const X z = Latent::sample(q, rng);  // (N·K, …, Z)
      const X log_p = likelihood.log_prob(decoder(z), repeat_interleave(x, draws)) + Latent::prior_log_prob(z);
      const X log_weights = reshape(log_p - Latent::log_prob(q, z), {x.extent(0), draws});
      return flipbook::loss::importance_weighted_bound(log_weights);
    }
    /// The same bound, computed one draw at a time: (N).
    Tensor<T, B> log_likelihood(const Tensor<T, B>& x, Index draws, Rng& rng) const {
      const auto q = encode(x);
      List<Tensor<T, B>> log_weights;
      for (Index k = 0; k < draws; ++k) {
        const Tensor<T, B> z = Latent::sample(q, rng);
        log_weights.push_back(likelihood.log_prob(decoder(z), x) + Latent::prior_log_prob(z) - Latent::log_prob(q, z));
      }
      return flipbook::loss::importance_weighted_bound(stack(1, log_weights));
    }

    /// E[x|z] at the mean of q(z|x).
    Tensor<T, B> reconstruct(const Tensor<T, B>& x) const { return expectation(encode(x).mean); }
    /// n new clips, from z drawn from the prior.
    Tensor<T, B> sample(Index n, Rng& rng) const { return sample(Shape{n}, rng); }
    /// The same for several z per clip: with leading axes (N, T), one for each frame.
    Tensor<T, B> sample(const Shape& leading, Rng& rng) const {
      Shape shape = leading;
      shape.push_back(Latent::size);
      return expectation(Latent::template prior_sample<T, B>(leading.size(), rng).reshape(shape));
    }
    /// `steps` clips along the line in z from one clip (…, C) to another: (steps, …, C).
    /// @throws Error  if there are fewer than two steps
    Tensor<T, B> interpolate(const Tensor<T, B>& from, const Tensor<T, B>& to, Index steps) const {
      require(steps > 1, "interpolate: needs at least two steps, got ", steps);
      const Tensor<T, B> ends = encode(stack(0, from, to)).mean;  // (2, …, Z)
      List<Tensor<T, B>> z;
      for (Index i = 0; i < steps; ++i) {
        const double part = static_cast<double>(i) / static_cast<double>(steps - 1);
        z.push_back(affine(ends[0], 1 - part, 0) + affine(ends[1], part, 0));
      }
      return expectation(stack(0, z));
    }

   private:
    struct Pass {
      Variable<T, B> parameters, loss;  // of p(x|z), with one draw of z; a single number
    };
    Pass pass(const Variable<T, B>& x) const {
      const auto q = encode(x);
      const auto parameters = decoder(Latent::sample(q));
      const auto log_p = likelihood.log_prob(parameters, x);
      return {parameters, -mean(flipbook::loss::elbo(log_p, Latent::kl_elements(q), settings))};
    }
  };
};

/// A variational autoencoder: an Autoencoder with a latent.
template <nn::Layer Encoder, nn::Layer Decoder, latent::Latent Latent,
          likelihood::Likelihood Likelihood = likelihood::Bernoulli>
using Vae = Autoencoder<Encoder, Latent, Decoder, Likelihood>;

}  // namespace flipbook
