// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/trainer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The training of a two-stage model whose autoencoder is already trained: a step changes only its member `prior`. The
/// instance has
///
///     Variable<T, B> loss(Tape& tape, const Batch& batch) const    a single number
template <class Net, Real T, class B, class Rule>
class PriorTraining {
 public:
  static constexpr bool takes_micro_batches = true;

  PriorTraining(const Module<Net, T, B>& model, const Rule& rule) : optimizer_(rule, model.part(model->prior)) {}

  Losses step(const Module<Net, T, B>& model, const BatchOf<Net, Tensor<T, B>>& batch, Rng& rng,
              const StepOptions& how) {
    const auto& prior = model->prior;
    const auto loss = [&](Tape& tape, const auto& clips) { return model->loss(tape, clips); };
    if (how.micro_batches != 1) {
      return {{"loss", accumulated_step(model, batch, prior, model.part(prior), optimizer_, rng, loss, how)}};
    }
    Tape tape{prior, rng.split()};
    return {{"loss", backward_and_step(tape, loss(tape, batch), prior, model.part(prior), optimizer_, how)}};
  }
  Index variant() const { return 0; }
  void visit_optimizers(auto&& f) { f("optimizer", optimizer_); }

 private:
  Optimizer<Rule, T, B> optimizer_;
};

}  // namespace flipbook
