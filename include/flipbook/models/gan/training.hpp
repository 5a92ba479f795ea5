// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <vector>

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/models/gan/discriminators.hpp>
#include <flipbook/models/gan/regulariser.hpp>
#include <flipbook/train/train_step.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The weight of a game's loss relative to the model's own: an argument of Adversarial.
namespace weight {

/// A constant: the model's setting `weight`.
struct Constant {
  template <class V, class Own, class Model>
  static V times(double weight, Tape&, const V& game, const Own&, const Model&) {
    return weight * game;
  }
};

/// `weight` times ‖∇ loss‖ / ‖∇ game‖, at most 10⁴, a constant without a gradient. The norms are of gradients with
/// respect to the weight that produces the fakes, the last one of the model's `last_layer()`, so that both losses have
/// equal influence on it. Esser et al., Taming transformers for high-resolution image synthesis, 2021, equation 7.
struct Adaptive {
  /// @throws Error  if `last_layer()` has no weight: no parameter of two axes or more
  template <class V, class Own, class Model>
  static V times(double weight, Tape& tape, const V& game, const Own& own, const Model& model) {
    auto weights = tape.targets<typename V::Scalar, typename V::Backend>(model.last_layer());
    std::erase_if(weights, [](const auto& target) { return target.value->shape().rank() < 2; });
    require(!weights.empty(), "weight::Adaptive: last_layer() has no weight, a parameter of two axes or more");
    weights.erase(weights.begin(), weights.end() - 1);
    const auto pull = [&](const auto& loss) {
      const auto gradients = tape.gradients(loss, weights, {.retain_graph = true});
      return sqrt(sum(square(mean_over_ranks(gradients.front()))));
    };
    const auto ratio = clamp(pull(own) / (pull(game) + 1e-4), 0, 1e4);
    return weight * (tape.constant(ratio) * game);
  }
};

}  // namespace weight

namespace detail {

/// The losses of a game for a discriminator's output: logits, or logits and the loss of an auxiliary classifier.
template <class Game>
struct Scored {
  template <class Said>
  static auto discriminator(const Said& real, const Said& fake) {
    if constexpr (Value<Said>) return Game::discriminator(real, fake);
    else return Game::discriminator(real.logits, fake.logits) + real.loss;
  }
  template <class Said>
  static auto generator(const Said& fake) {
    if constexpr (Value<Said>) return Game::generator(fake);
    else return Game::generator(fake.logits) + fake.loss;
  }
  /// Reports to an observer the fractions of data and of fakes that are judged correctly, by the signs of their logits.
  template <class Said>
  static void tell(const Said& real, const Said& fake) {
    if constexpr (Value<Said>) {
      const TensorStatistics data = statistics_of(tensor_of(real)), fakes = statistics_of(tensor_of(fake));
      const auto share = [](Index right, const TensorStatistics& of) {
        return static_cast<double>(right) / static_cast<double>(of.count);
      };
      observer->number("data judged right", share(data.count - data.negative - data.zero, data));
      observer->number("fakes judged right", share(fakes.negative, fakes));
    } else {
      tell(real.logits, fake.logits);
    }
  }
  /// The function that penalties differentiate: the sum of the discriminator's logits.
  template <class D>
  static auto total(const D& d) {
    return [&d](const auto& x) {
      const auto said = d(x);
      if constexpr (Value<std::remove_cvref_t<decltype(said)>>) return sum(said);
      else return sum(said.logits);
    };
  }
};

/// The training step of Gan, VaeGan and Adversarial: discriminators are updated with a batch of data and as many fakes,
/// then the model with its own loss, if it has one, and the updated discriminators' logits of the same fakes. An
/// instance of Net has
///
///     discriminator            a Layer's instance, or that of Discriminators
///     maker()                  the member that generates clips
///     play(tape, batch, rng)   data and fakes on a tape: see Adversarial
///     weight                   the weight of the game's loss; 1 if it is missing
///
/// and Net has the names of optimisers and losses: `maker_name`, `loss_name`. Gan and VaeGan are separate types, not
/// aliases of Adversarial, so that they have their own names of members, also in files, and errors name a Gan<G, D> as
/// the user wrote it.
template <class Net, class Discriminator, class Game, class Regulariser, Real T, class B, class Rule,
          class Weight = weight::Constant>
class AdversarialTraining {
  using Score = Scored<Game>;

 public:
  AdversarialTraining(const Module<Net, T, B>& net, const Rule& rule)
      : discriminator_(rule, net.part(net->discriminator)), maker_(rule, net.part(net->maker())) {}

  int generator_every = 1;  ///< steps of the discriminator for each step of the generator

  /// @param batch  clips (N, [T,] H, W, C) in [0, 1], or annotated clips, as the model's Batch
  template <class Batch>
  Losses step(const Module<Net, T, B>& net, const Batch& batch, Rng& rng, const StepOptions& how) {
    const auto& discriminators = net->discriminator;
    const bool both = variant() == 1;
    Tape play{rng.split()};
    if (both) play.watch(net->maker());
    const auto made = net->play(play, batch, rng);

    Tape judge{discriminators, rng.split()};
    const auto judged = EachDiscriminator<Discriminator>::sum(
        discriminators, [&]<class D>(std::type_identity<D>, const auto& discriminator) {
          using View = typename Judgement<D>::View;
          const auto& fake = Judgement<D>::Fakes::of(made);
          const auto d = with_labels<D>(discriminator, labels_of(batch));
          const auto x = View::of(judge.constant(made.real), judge.rng());
          const auto y = View::of(judge.constant(fake.value()), judge.rng());
          const auto on_data = d(x), on_fake = d(y);  // in this order, since it affects running statistics
          if (observer != nullptr) [[unlikely]]
            Score::tell(on_data, on_fake);
          return Regulariser::penalty(judge, Score::total(d), x, y, Score::discriminator(on_data, on_fake));
        });
    Snapshot<B> before;  // undoes this update if the model's loss is not finite
    if (both) before.add(net.part(discriminators)), before.add(net.buffers()), before.add(discriminator_);
    const double lost = backward_and_step(judge, judged, discriminators, net.part(discriminators), discriminator_, how);
    Regulariser::after_step(net.part(discriminators));
    if (!both) return {{"discriminator", lost}};

    const auto fooled = EachDiscriminator<Discriminator>::sum(
        discriminators, [&]<class D>(std::type_identity<D>, const auto& discriminator) {
          const auto d = with_labels<D>(discriminator, labels_of(batch));
          return Score::generator(d(Judgement<D>::View::of(Judgement<D>::Fakes::of(made), play.rng())));
        });
    const auto learn = [&](const auto& loss) {
      return backward_and_step(play, loss, net->maker(), net.part(net->maker()), maker_, how);
    };
    Losses losses;
    if constexpr (requires { made.loss; }) {
      const double own = reported(made.loss);
      const auto game = Weight::times(net->weight, play, fooled, made.loss, net->maker());
      losses = {{"total", learn(made.loss + game)}, {Net::loss_name, own}, {"discriminator", lost}};
    } else if constexpr (requires { net->weight; }) {
      losses = {{"discriminator", lost}, {"generator", learn(net->weight * fooled)}};
    } else {
      losses = {{"discriminator", lost}, {"generator", learn(fooled)}};
    }
    before.release();
    return losses;
  }

  /// The kind of the next step: 1 if it updates the generator too, else 0. Steps of one kind launch the same kernels.
  Index variant() const { return (discriminator_.steps() + 1) % generator_every == 0; }
  void visit_optimizers(auto&& f) {
    f("discriminator", discriminator_);
    f(Net::maker_name, maker_);
  }

 private:
  template <class Batch>
  static auto labels_of(const Batch& batch) {
    if constexpr (requires { batch.label; }) return batch.label;
    else return None{};
  }

  Optimizer<Rule, T, B> discriminator_, maker_;
};

}  // namespace detail
}  // namespace flipbook
