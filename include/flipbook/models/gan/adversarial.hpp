// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/models/gan/training.hpp>
#include <flipbook/train/trainer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Any model that makes clips, against discriminators of them:
///
///     model:            min  its own loss, where it has one, + weight · Σ (what the game charges for D(fakes))
///     discriminators:   min  Σ (what the game charges for D(data) and D(fakes)) + penalties
///
/// Each discriminator says by its type what it sees of clips and which of the model's it faces (ViewDiscriminator). A
/// step takes both turns or none.
///
///     Adversarial<Model, Discriminators<ViewDiscriminator<FrameNetwork, view::RandomFrames<8>>, ClipNetwork>,
///                 loss::Hinge>
///
/// The model's instance has
///
///     Made play(Tape&, const Batch& batch, Rng&) const    batch: clips in [0, 1], or what the model names as its Batch
///
/// where Made is a struct with the tensor `real` (N, …, C), the data as discriminators see it, and of variables of the
/// tape at least one of `samples`, `reconstructions`, `predictions`, which are fakes in the range of `real`; and its
/// own `loss`, where it has one. Labels of a batch reach the discriminators that are `conditional`.
///
/// @tparam Discriminator  a network (N, …, C) → logits of any shape, a ViewDiscriminator, or Discriminators<…>
/// @tparam Weight         what the game counts beside the model's loss: weight::Constant, or weight::Adaptive, for
///                        which the model's instance has `last_layer()`, a member whose last weight makes the fakes
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
    double weight = 1;  ///< of the game

    explicit Instance(Rng& rng)
        : model(detail::make_instance<Of<Model, T, B>>(rng)),
          discriminator(detail::make_instance<Of<Discriminator, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("model", self.model);
      field("discriminator", self.discriminator);
      field("weight", self.weight);
    }
    /// What learns to make clips: the model, or the part of it that it calls so.
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
