// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/gan/training.hpp>
#include <flipbook/models/vae/vae.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder with a discriminator of its reconstructions, which become sharper than with the likelihood
/// alone:
///
///     autoencoder:    min  −ELBO(x) + weight · Game::generator(D(E[x|z]))
///     discriminator:  min  Game::discriminator(D(x), D(E[x|z]))
///
/// After Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016.
///
/// @tparam Autoencoder    a Vae
/// @tparam Discriminator  data of the autoencoder (N, …, C), in [−1, 1] → logits; a ViewDiscriminator, or
///                        Discriminators<…>
template <class Autoencoder, nn::Layer Discriminator, class Game = loss::NonSaturating,
          class Regulariser = regulariser::NoPenalty>
struct VaeGan {
  static_assert(nn::channels_match<Autoencoder::in, Discriminator::in>,
                "VaeGan: the discriminator takes other channels than the autoencoder");
  static constexpr bool unit_interval = true;
  static constexpr const char *maker_name = "vae", *loss_name = "-ELBO";

  template <Real T, class B>
  struct Instance {
    Of<Autoencoder, T, B> vae;
    Of<Discriminator, T, B> discriminator;
    double weight = 1;  ///< of the game's loss, in nats

    explicit Instance(Rng& rng) : vae(rng), discriminator(rng) {}
    static void fields(auto& self, auto&& field) {
      field("vae", self.vae);
      field("discriminator", self.discriminator);
      field("weight", self.weight);
    }

    const auto& maker() const { return vae; }
    /// Clips and reconstructions of a training step: see Adversarial.
    /// @param clips  (N, …, C) in [0, 1]
    Reconstructed<T, B> play(Tape& tape, const Tensor<T, B>& clips, Rng& rng) const {
      return vae.play(tape, clips, rng);
    }
  };

  template <Real T, class B, class Rule>
  class Training : public detail::AdversarialTraining<VaeGan, Discriminator, Game, Regulariser, T, B, Rule> {
    static_assert(loss::Game<Game, Variable<T, B>>, "VaeGan: Game is not a loss::Game");
    static_assert(regulariser::Regulariser<Regulariser, detail::AnyScore, Variable<T, B>>,
                  "VaeGan: Regulariser is not a regulariser::Regulariser");

   public:
    using detail::AdversarialTraining<VaeGan, Discriminator, Game, Regulariser, T, B, Rule>::AdversarialTraining;
  };
};

}  // namespace flipbook
