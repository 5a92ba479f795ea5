// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/vae/vae.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A variational autoencoder whose reconstructions also face a discriminator, which makes them sharp where the
/// likelihood alone makes them blurred:
///
///     autoencoder:    min  −ELBO(x) + weight · (what the game charges for D(E[x|z]))
///     discriminator:  min  what the game charges for D(x) and D(E[x|z])
///
/// After Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016.
///
/// @tparam Autoencoder    a Vae
/// @tparam Discriminator  of what the autoencoder models, (N, …, C) in [−1, 1] → logits; or Discriminators<…>
template <class Autoencoder, nn::Layer Discriminator, class Game = loss::NonSaturating>
struct VaeGan {
  static_assert(nn::channels_match<Autoencoder::in, Discriminator::in>,
                "VaeGan: the discriminator takes other channels than the autoencoder");
  static constexpr bool unit_interval = true;

  template <Real T, class B>
  struct Instance {
    Of<Autoencoder, T, B> vae;
    Of<Discriminator, T, B> discriminator;
    double weight = 1;  ///< nats that the game's loss of 1 is worth

    explicit Instance(Rng& rng) : vae(rng), discriminator(rng) {}
    static void fields(auto& self, auto&& field) {
      field("vae", self.vae);
      field("discriminator", self.discriminator);
      field("weight", self.weight);
    }
  };

  template <Real T, class B, class Rule>
  class Training {
    static_assert(loss::Game<Game, Variable<T, B>>, "VaeGan: Game is not a loss::Game");

   public:
    Training(const Module<VaeGan, T, B>& model, const Rule& rule)
        : vae_(rule, model.part(model->vae)), discriminator_(rule, model.part(model->discriminator)) {}

    /// @param clips  (N, …, C) in [0, 1]
    Losses step(const Module<VaeGan, T, B>& model, const Tensor<T, B>& clips, Rng& rng, const StepOptions& how) {
      using Score = detail::Judged<Game>;
      const auto& [vae, d, weight] = *model.operator->();
      Tape tape{vae, rng.split()};
      const auto x = tape.constant(clips);
      const auto q = vae.encode(x);
      const auto parameters = vae.decode(Autoencoder::LatentOf::sample(q));
      const auto fake = affine(vae.likelihood.mean(parameters), 2, -1);  // as the discriminator sees it
      const auto bound = flipbook::loss::elbo(vae.likelihood.log_prob(parameters, x),
                                              Autoencoder::LatentOf::kl_elements(q), vae.settings);

      Tape judge{d, rng.split()};
      const auto on_data = d(judge.constant(affine(clips, 2, -1))), on_fake = d(judge.constant(fake.value()));
      const auto judged = Score::discriminator(on_data, on_fake);
      Snapshot<B> before;  // the new discriminator's judgement may not be finite
      before.add(model.part(d)), before.add(model.buffers()), before.add(discriminator_);
      const double lost = backward_and_step(judge, judged, d, model.part(d), discriminator_, how);
      const double negative_elbo = -reported(mean(bound));
      const double total =
          backward_and_step(tape, -mean(bound) + weight * Score::generator(d(fake)), vae, model.part(vae), vae_, how);
      before.release();
      return {{"total", total}, {"-ELBO", negative_elbo}, {"discriminator", lost}};
    }

    Index variant() const { return 0; }
    void visit_optimizers(auto&& f) {
      f("vae", vae_);
      f("discriminator", discriminator_);
    }

   private:
    Optimizer<Rule, T, B> vae_, discriminator_;
  };
};

}  // namespace flipbook
