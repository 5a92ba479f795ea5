// SPDX-License-Identifier: MIT
// A training of a model's own lets its optimisers be visited.
// WITHIN: 18, since compilers say what a concept misses after where it is asked for.
// EXPECT: the model's Training is not a Training
// EXPECT: (required expression|because) .?.?.?training.visit_optimizers\(
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/sgd.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

struct Offset {
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> offset{zeros<T, B>({1})};

    static void fields(auto& self, auto&& field) { field("offset", self.offset); }
  };

  template <Real T, class B, class Rule>
  struct Training {
    Optimizer<Rule, T, B> optimizer;

    Training(const Module<Offset, T, B>& model, const Rule& rule) : optimizer(rule, model.parameters()) {}

    Losses step(const Module<Offset, T, B>& model, const Tensor<T, B>& clips, Rng& rng, const StepOptions& how) {
      const auto loss = [&](Tape& tape) { return mean(square(tape.constant(clips) - model->offset)); };
      return {{"loss", train_step(model, optimizer, rng, loss, how)}};
    }
#ifdef CONTROL
    void visit_optimizers(auto&& f) { f("optimizer", optimizer); }
#endif
  };
};

int main() {
  Trainer trainer{Module<Offset, float>{}, optim::Sgd{}};
  trainer.step(ones<float>({1, 2, 4, 4, 1}));
}
