// SPDX-License-Identifier: MIT
// A model that has no training of its own has a loss.
// WITHIN: 18, since compilers say what a concept misses after where it is asked for.
// EXPECT: the model is not a LossModel, nor has it a class Training of its own
// EXPECT: (required expression|because) .?.?.?model.loss\(clips\)
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/sgd.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

struct Offset {
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> offset{zeros<T, B>({1})};

    static void fields(auto& self, auto&& field) { field("offset", self.offset); }
    template <Value X>
#ifdef CONTROL
    X loss(const X& clips) const {
#else
    X cost(const X& clips) const {
#endif
        return mean(square(clips - offset));
  }
};
}
;

int main() {
  Trainer trainer{Module<Offset, float>{}, optim::Sgd{}};
  trainer.step(ones<float>({1, 2, 4, 4, 1}));
}
