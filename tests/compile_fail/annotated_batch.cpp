// SPDX-License-Identifier: MIT
// A model that takes clips alone is not trained on annotated ones.
// EXPECT: DataSetIsNotOfWhatTheModelIsTrainedOn
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
    X loss(const X& clips) const {
      return mean(square(clips - offset));
    }
  };
};

struct Black {
  Shape shape() const { return {4, 8, 8, 1}; }
  LabelledClip<> clip(Index) const { return {zeros<float>(shape()), zeros<float>({10})}; }
};

int main() {
  Trainer trainer{Module<Offset, float>{}, optim::Sgd{}};
#ifdef CONTROL
  trainer.fit(ClipsOnly(Black{}));
#else
  trainer.fit(Black{});
#endif
}
