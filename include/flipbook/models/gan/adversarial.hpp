// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/models/gan/training.hpp>
#include <flipbook/train/trainer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Adversarial training of a model that generates clips, with one or more discriminators:
///
///     model:            min  (its own loss, if it has one) + weight · Σ Game::generator(D(fakes))
///     discriminators:   min  Σ Game::discriminator(D(data), D(fakes)) + penalties
///
/// A discriminator's type (ViewDiscriminator) names its view of the clips and the kind of fakes that it judges. A step
/// is atomic: if the model's update fails, that of the discriminators is undone.
///
///     Adversarial<Model, Discriminators<ViewDiscriminator<FrameNetwork, view::RandomFrames<8>>, ClipNetwork>,
///                 loss::Hinge>
///
/// The model's instance has
///
///     Made play(Tape&, const Batch& batch, Rng&) const    batch: clips in [0, 1], or the model's Batch
///
/// where Made is a struct with the tensor `real` (N, …, C), the data in the range of the discriminators; at least one
/// of the tape's variables `samples`, `reconstructions` and `predictions`, fakes in the same range; and `loss`, if the
/// model has its own. Discriminators that are `conditional` also receive the batch's labels.
///
/// @tparam Discriminator  a network (N, …, C) → logits of any shape, a ViewDiscriminator, or Discriminators<…>
/// @tparam Weight         the weight of the game's loss relative to the model's: weight::Constant, or weight::Adaptive,
///                        for which the model's instance has `last_layer()`, a member whose last weight produces the
///                        fakes
template <class Model, nn::Layer Discriminator, class Game = loss::NonSaturating,
          class Regulariser = regulariser::NoPenalty, class Weight = weight::Constant>
struct Adversarial {
  static constexpr bool unit_interval = true;
  static constexpr const char *maker_name = "model", *loss_name = "loss";
  template <class V>
  using Batch = BatchOf<Model, V>;

  template <Real T, class B>
  struct Instance {
    Of<Model, T, B> model;
    Of<Discriminator, T, B> discriminator;
    double weight = 1;  ///< of the game's loss

    explicit Instance(Rng& rng)
        : model(detail::make_instance<Of<Model, T, B>>(rng)),
          discriminator(detail::make_instance<Of<Discriminator, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("model", self.model);
      field("discriminator", self.discriminator);
      field("weight", self.weight);
    }
    /// The part that generates clips: the model's `maker()` if it has one, else the model.
    const auto& maker() const {
      if constexpr (requires { model.maker(); }) return model.maker();
      else return model;
    }
    template <class Clips>
    auto play(Tape& tape, const Clips& batch, Rng& rng) const {
      static_assert(
          requires { model.play(tape, batch, rng); },
          "Adversarial: the model has no play(tape, batch, rng) that makes clips for discriminators");
      return model.play(tape, batch, rng);
    }
  };

  template <Real T, class B, class Rule>
  class Training
      : public detail::AdversarialTraining<Adversarial, Discriminator, Game, Regulariser, T, B, Rule, Weight> {
    static_assert(loss::Game<Game, Variable<T, B>>, "Adversarial: Game is not a loss::Game");
    static_assert(regulariser::Regulariser<Regulariser, detail::AnyScore, Variable<T, B>>,
                  "Adversarial: Regulariser is not a regulariser::Regulariser");

   public:
    using detail::AdversarialTraining<Adversarial, Discriminator, Game, Regulariser, T, B, Rule,
                                      Weight>::AdversarialTraining;
  };
};

}  // namespace flipbook
