// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/loss/feature_distance.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/train/training.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A model of reconstructions with a perceptual loss: an argument of Adversarial.
///
///     loss = the model's own + perceptual_weight · loss::feature_distance(f(x̂), f(x))
///
/// f is frozen and not trained; its weights are loaded (`load_weights(path, net->features, prefix)`), such as those of
/// the first layers of a classifier of the same data. Johnson et al., Perceptual losses for real-time style transfer
/// and super-resolution, 2016.
///
/// @tparam Model     an Autoencoder, or another with `play` (see Adversarial) that has reconstructions and a loss
/// @tparam Features  clips (N, …, C) in [−1, 1] → features (N, …, K), a tensor or a std::tuple of several
template <class Model, class Features>
struct Perceptual {
  static constexpr bool unit_interval = true;
  template <class V>
  using Batch = BatchOf<Model, V>;

  template <Real T, class B>
  struct Instance {
    Of<Model, T, B> model;
    Of<Features, T, B> features;
    double perceptual_weight = 1;  ///< of the feature distance, relative to the model's own loss

    explicit Instance(Rng& rng)
        : model(detail::make_instance<Of<Model, T, B>>(rng)),
          features(detail::make_instance<Of<Features, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("model", self.model);
      field("features", self.features);
      field("perceptual_weight", self.perceptual_weight);
    }

    const auto& maker() const { return model; }
    /// The model's `play`, with the perceptual loss added to its loss: see Adversarial.
    template <class Clips>
    auto play(Tape& tape, const Clips& clips, Rng& rng) const {
      auto made = model.play(tape, clips, rng);
      const auto seen = frozen(features)(made.reconstructions), target = features(made.real);
      made.loss = made.loss + perceptual_weight * loss::feature_distance(seen, target);
      return made;
    }
  };
};

}  // namespace flipbook
