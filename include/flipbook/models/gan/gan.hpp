// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include <flipbook/loss/adversarial.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Several discriminators of the same clips, such as one of frames and one of motion: their games are added.
template <nn::Layer... D>
struct Discriminators {
  static constexpr int in = std::tuple_element_t<0, std::tuple<D...>>::in, out = nn::any, dimensions = nn::any;
  static_assert((nn::channels_match<D::in, in> && ...), "Discriminators: they must all take the same channels");

  template <Real T, class B>
  struct Instance {
    std::tuple<Of<D, T, B>...> all;

    explicit Instance(Rng& rng) : all{detail::make_instance<Of<D, T, B>>(rng)...} {}
    static void fields(auto& self, auto&& field) {
      [&]<std::size_t... I>(std::index_sequence<I...>) { (field(std::to_string(I), std::get<I>(self.all)), ...); }
      (std::index_sequence_for<D...>{});
    }
    /// The logits of each.
    template <Value X>
    auto operator()(const X& x) const {
      return std::apply([&](const auto&... d) { return std::tuple{d(x)...}; }, all);
    }
  };
};

namespace detail {

/// A game over the logits of one discriminator, or over those of each of several, which are added.
template <class Game>
struct Judged {
  template <class Logits>
  static auto discriminator(const Logits& real, const Logits& fake) {
    if constexpr (Value<Logits>) {
      return Game::discriminator(real, fake);
    } else {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return (Game::discriminator(std::get<I>(real), std::get<I>(fake)) + ...);
      }
      (std::make_index_sequence<std::tuple_size_v<Logits>>{});
    }
  }
  template <class Logits>
  static auto generator(const Logits& fake) {
    if constexpr (Value<Logits>) {
      return Game::generator(fake);
    } else {
      return std::apply([](const auto&... logits) { return (Game::generator(logits) + ...); }, fake);
    }
  }
  /// The discriminator as penalties see it: the sum of all its logits.
  template <class D>
  static auto total(const D& d) {
    return [&d](const auto& x) {
      const auto logits = d(x);
      if constexpr (Value<std::remove_cvref_t<decltype(logits)>>) {
        return sum(logits);
      } else {
        return std::apply([](const auto&... each) { return (sum(each) + ...); }, logits);
      }
    };
  }
};

}  // namespace detail

/// A generative adversarial network: a generator G of frames or clips from noise, and a discriminator D that
/// tells them from data by a logit.
///
///     min_G max_D  E log D(x) + E log(1 − D(G(z)))       (Goodfellow et al., 2014; Game says which variant)
///
/// Clips are in [0, 1] outside, and in [−1, 1] for the two networks: G ends in Tanh.
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

  template <Real T, class B>
  struct Instance {
    Of<Generator, T, B> generator;
    Of<Discriminator, T, B> discriminator;

    explicit Instance(Rng& rng) : generator(rng), discriminator(rng) {}
    static void fields(auto& self, auto&& field) {
      field("generator", self.generator);
      field("discriminator", self.discriminator);
    }

    /// z for n clips, standard normal, in the shape that the generator takes.
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
  };

  /// One step of the game: D learns from a batch of data and as many samples, then G from D's new judgement
  /// of the same samples.
  template <Real T, class B, class Rule>
  class Training {
    using Total = decltype(detail::Judged<Game>::total(std::declval<const Of<Discriminator, T, B>&>()));
    static_assert(loss::Game<Game, Variable<T, B>>, "Gan: Game is not a loss::Game");
    static_assert(regulariser::Regulariser<Regulariser, Total, Variable<T, B>>,
                  "Gan: Regulariser is not a regulariser::Regulariser");

   public:
    Training(const Module<Gan, T, B>& gan, const Rule& rule)
        : discriminator_(rule, gan.part(gan->discriminator)), generator_(rule, gan.part(gan->generator)) {}

    int generator_every = 1;  ///< discriminator's steps to one of the generator's

    /// @param clips  (N, [T,] H, W, C) in [0, 1]; frames of clips where the networks make images
    Losses step(const Module<Gan, T, B>& gan, const Tensor<T, B>& clips, Rng& rng, const StepOptions& how) {
      detail::require_clips("Gan", clips.shape(), Discriminator::in);
      const Tensor<T, B> real = affine(as_samples(clips), 2, -1);
      const bool both = variant() == 1;
      Tape play{rng.split()};
      if (both) play.watch(gan->generator);
      const auto fake = gan->generator(play.constant(gan->noise(real.extent(0), rng)));

      Tape judge{gan->discriminator, rng.split()};
      const auto& d = gan->discriminator;
      const auto x = judge.constant(real), y = judge.constant(fake.value());
      const auto on_data = d(x), on_samples = d(y);  // in this order, as running statistics see them
      const auto judged = detail::Judged<Game>::discriminator(on_data, on_samples);
      const auto loss = Regulariser::penalty(judge, detail::Judged<Game>::total(d), x, y, judged);
      Snapshot<B> before;  // D's new judgement of G may not be finite
      if (both) before.add(gan.part(d)), before.add(gan.buffers()), before.add(discriminator_);
      Losses losses{{"discriminator", backward_and_step(judge, loss, d, gan.part(d), discriminator_, how)}};
      Regulariser::after_step(gan.part(d));

      if (both) {
        const auto fooled = detail::Judged<Game>::generator(d(fake));
        losses.emplace_back("generator",
                            backward_and_step(play, fooled, gan->generator, gan.part(gan->generator), generator_, how));
      }
      before.release();
      return losses;
    }

    /// Which of its kinds the next step is of: a step of one kind launches the same, whatever its numbers.
    Index variant() const { return (discriminator_.steps() + 1) % generator_every == 0; }
    void visit_optimizers(auto&& f) {
      f("discriminator", discriminator_);
      f("generator", generator_);
    }

   private:
    /// Each frame is a sample where the generator makes images.
    static Tensor<T, B> as_samples(const Tensor<T, B>& clips) {
      if (clips.rank() == 5 && Generator::dimensions == 2) {
        return clips.reshape({-1, clips.extent(2), clips.extent(3), clips.extent(4)});
      }
      return clips;
    }
    Optimizer<Rule, T, B> discriminator_, generator_;
  };
};

}  // namespace flipbook
