// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/latent/latent.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/quantizer/quantizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The bottleneck of an autoencoder: a latent or a quantizer.
template <class Z>
concept Bottleneck = latent::Latent<Z> || quantizer::Quantizer<Z>;

/// An autoencoder: an encoder, a bottleneck, and a decoder, which outputs a likelihood's parameters. With a latent it
/// is a variational autoencoder (models/vae/vae.hpp), with a quantizer an autoencoder with discrete codes.
template <nn::Layer Encoder, Bottleneck Z, nn::Layer Decoder, likelihood::Likelihood Likelihood = likelihood::Bernoulli>
struct Autoencoder;

/// The clips and reconstructions that an autoencoder's `play` returns: see Adversarial.
template <Real T, class B>
struct Reconstructed {
  Tensor<T, B> real;               ///< the clips, in [−1, 1]
  Variable<T, B> reconstructions;  ///< E[x | z], in [−1, 1]
  Variable<T, B> loss;             ///< the autoencoder's own
};

/// An autoencoder of frames or clips with discrete codes: the quantizer maps the encoder's output at each position to
/// one of finitely many codes, and the decoder reads the vectors of the codes.
///
///     loss = −log p(x | z′) + the loss of the quantizer      z′ = quantized(encoder(x))
///
/// Van den Oord et al., Neural discrete representation learning, 2017.
///
/// @tparam Encoder     (N, …, C) → (N, positions…, Quantizer::size)
/// @tparam Decoder     z′ (N, positions…, Quantizer::size) → the likelihood's parameters
///                     (N, …, C · parameters_per_channel)
template <nn::Layer Encoder, quantizer::Quantizer Quantizer, nn::Layer Decoder, likelihood::Likelihood Likelihood>
struct Autoencoder<Encoder, Quantizer, Decoder, Likelihood> {
  static_assert(nn::channels_match<Encoder::out, Quantizer::size>,
                "Autoencoder: the encoder must give as many numbers at each place as the quantizer takes");
  static_assert(nn::channels_match<Quantizer::size, Decoder::in>,
                "Autoencoder: the decoder must take as many numbers at each place as the quantizer gives");
  static_assert(nn::channels_match < Decoder::out,
                Encoder::in<0 ? nn::unknown : Encoder::in * Likelihood::parameters_per_channel>,
                "Autoencoder: the decoder must give the likelihood's parameters for each channel of the encoder's");
  static constexpr int in = Encoder::in;
  static constexpr bool unit_interval = likelihood::unit_interval<Likelihood>;
  using QuantizerOf = Quantizer;

  template <Real T, class B>
  struct Instance {
    using Codes = Tensor<std::int32_t, B>;

    Of<Encoder, T, B> encoder;
    Of<Quantizer, T, B> quantizer;
    Of<Decoder, T, B> decoder;
    Of<Likelihood, T, B> likelihood;

    explicit Instance(Rng& rng)
        : encoder(rng),
          quantizer(detail::make_instance<Of<Quantizer, T, B>>(rng)),
          decoder(rng),
          likelihood(detail::make_instance<Of<Likelihood, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("encoder", self.encoder);
      field("quantizer", self.quantizer);
      field("decoder", self.decoder);
      field("likelihood", self.likelihood);
    }

    /// z′ with its codes (N, positions…), and the loss of the quantizer.
    /// @throws Error  if there are no clips, or their channels are not the encoder's
    template <Value X>
    quantizer::Quantized<X> quantize(const X& x) const {
      detail::require_clips("Autoencoder", x.shape(), in);
      return quantizer.quantize(encoder(x));
    }
    /// The training loss: −log p(x | z′) in nats plus the loss of the quantizer, averaged over the clips.
    template <Value X>
    X loss(const X& x) const {
      return pass(x).loss;
    }

    /// Clips and reconstructions for discriminators: see Adversarial.
    /// @param clips  (N, …, C) in [0, 1]
    Reconstructed<T, B> play(Tape& tape, const Tensor<T, B>& clips, Rng&) const {
      const auto made = pass(tape.constant(clips));
      return {affine(clips, 2, -1), affine(likelihood.mean(made.parameters), 2, -1), made.loss};
    }
    /// The decoder, whose last weight produces the reconstructions: see weight::Adaptive.
    const auto& last_layer() const { return decoder; }

    /// The codes of clips: (N, …, C) → (N, positions…).
    Codes codes(const Tensor<T, B>& x) const { return quantize(x).codes; }
    /// E[x | codes], in the range of the data: (N, positions…) → (N, …, C).
    /// @throws Error  if a code is out of range
    Tensor<T, B> decode(const Codes& codes) const { return likelihood.mean(decoder(quantizer.decode(codes))); }
    /// E[x | the codes of x].
    Tensor<T, B> reconstruct(const Tensor<T, B>& x) const { return likelihood.mean(decoder(quantize(x).z)); }

   private:
    template <Value X>
    struct Pass {
      X parameters, loss;  // of p(x | z′); a single number
    };
    template <Value X>
    Pass<X> pass(const X& x) const {
      const auto q = quantize(x);
      const X parameters = decoder(q.z);
      return {parameters, mean(q.loss - likelihood.log_prob(parameters, x))};
    }
  };
};

}  // namespace flipbook
