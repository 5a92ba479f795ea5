// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/models/gan/training.hpp>
#include <flipbook/models/require_clips.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A generative adversarial network: a generator G of frames or clips from noise, and a discriminator D, whose logit
/// distinguishes them from data.
///
///     min_G max_D  E log D(x) + E log(1 − D(G(z)))       (Goodfellow et al., 2014; Game is the variant)
///
/// Data and samples are in [0, 1], and in [−1, 1] for the two networks: G ends in Tanh.
///
/// @tparam Generator      (N, [1, 1, [1,]] Z) → (N, [T,] H, W, C)
/// @tparam Discriminator  (N, [T,] H, W, C) → logits of any shape, or Discriminators<…>
template <nn::Layer Generator, nn::Layer Discriminator, class Game = loss::NonSaturating,
          class Regulariser = regulariser::NoPenalty>
struct Gan {
  static_assert(nn::channels_match<Generator::out, Discriminator::in>,
                "Gan: the discriminator takes other channels than the generator gives");
  static_assert(Generator::in > 0, "Gan: the generator must name the extent of its noise");
  static constexpr bool unit_interval = true;
  static constexpr const char* maker_name = "generator";

  template <Real T, class B>
  struct Instance {
    Of<Generator, T, B> generator;
    Of<Discriminator, T, B> discriminator;

    explicit Instance(Rng& rng) : generator(rng), discriminator(rng) {}
    static void fields(auto& self, auto&& field) {
      field("generator", self.generator);
      field("discriminator", self.discriminator);
    }

    /// Standard normal z for n clips, in the shape of the generator's input.
    static Tensor<T, B> noise(Index n, Rng& rng) {
      Shape shape{n};
      for (int axis = 0; axis < Generator::input_dimensions; ++axis) shape.push_back(1);
      shape.push_back(Generator::in);
      return normal<T, B>(shape, rng);
    }
    /// G(z) in [0, 1], (N, [T,] H, W, C).
    Tensor<T, B> decode(const Tensor<T, B>& z) const { return affine(generator(z), 0.5, 0.5); }
    /// n new frames or clips.
    Tensor<T, B> sample(Index n, Rng& rng) const { return decode(noise(n, rng)); }

    struct Made {
      Tensor<T, B> real;       ///< data in [−1, 1]
      Variable<T, B> samples;  ///< as many samples
    };
    const auto& maker() const { return generator; }
    /// The data and samples of a training step: see Adversarial.
    /// @param clips  (N, [T,] H, W, C) in [0, 1]; each frame is a sample if the generator outputs images
    /// @throws Error  if there are no clips, or their channels are not the discriminator's
    Made play(Tape& tape, const Tensor<T, B>& clips, Rng& rng) const {
      detail::require_clips("Gan", clips.shape(), Discriminator::in);
      const bool frames = clips.rank() == 5 && Generator::dimensions == 2;
      const Tensor<T, B> real = frames ? clips.reshape({-1, clips.extent(2), clips.extent(3), clips.extent(4)}) : clips;
      return {affine(real, 2, -1), generator(tape.constant(noise(real.extent(0), rng)))};
    }
  };

  /// One training step: D is updated with a batch of data and as many samples, then G with the updated D's logits of
  /// the same samples.
  template <Real T, class B, class Rule>
  class Training : public detail::AdversarialTraining<Gan, Discriminator, Game, Regulariser, T, B, Rule> {
    static_assert(loss::Game<Game, Variable<T, B>>, "Gan: Game is not a loss::Game");
    static_assert(regulariser::Regulariser<Regulariser, detail::AnyScore, Variable<T, B>>,
                  "Gan: Regulariser is not a regulariser::Regulariser");

   public:
    using detail::AdversarialTraining<Gan, Discriminator, Game, Regulariser, T, B, Rule>::AdversarialTraining;
  };
};

}  // namespace flipbook
