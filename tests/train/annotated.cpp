// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/sgd.hpp>

#include "models.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// A grey clip, and how grey it is.
struct Greys {
  Shape shape() const { return {1, 2, 2, 1}; }
  LabelledClip<> clip(Index i) const {
    const float grey = 0.25F * static_cast<float>(i % 4);
    return {Tensor<float>(shape(), {grey, grey, grey, grey}), Tensor<float>(Shape{1}, {2 * grey})};
  }
};

// [labels]
/// Learns by which factor the brightness of a clip is to be multiplied for its label.
struct Factor {
  template <class V>
  using Batch = LabelledClip<V>;
  static constexpr bool unit_interval = true;  // of batch.clip

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> factor{zeros<T, B>({1})};

    static void fields(auto& self, auto&& field) { field("factor", self.factor); }
    template <Value V>
    V loss(const LabelledClip<V>& batch) const {
      const V brightness = mean(batch.clip, {1, 2, 3, 4});       // (N, 1, 1, 1, 1)
      const V label = reshape(batch.label, brightness.shape());  // from (N, 1)
      return mean(square(brightness * factor - label));
    }
  };
};
// [/labels]

static_assert(DatasetFor<Greys, Factor> && !DatasetFor<Greys, Mean> && DatasetFor<ClipsOnly<Greys>, Mean>);

const FitOptions quietly{.steps = 200, .batch = 4, .title = ""};

}  // namespace

TEST_CASE("labels reach the loss with their clips") {
  Trainer trainer{Module<Factor, float>{}, optim::Sgd{.learning_rate = 0.5}};
  trainer.fit(Greys{}, quietly);
  CHECK(trainer.model->factor.value.item() == doctest::Approx(2).epsilon(1e-4));
}

TEST_CASE("a model without labels learns from the clips alone") {
  Trainer trainer{Module<Mean, float>{}, optim::Sgd{.learning_rate = 0.2}};
  trainer.fit(ClipsOnly(Greys{}), quietly);
  CHECK(trainer.model->at.value.item() == doctest::Approx(0.375).epsilon(1e-4));
}

TEST_CASE("the interval that a model takes holds for its clips, not for what is beside them") {
  Trainer trainer{Module<Factor, float>{}, optim::Sgd{}};
  auto batch = batch_of(Greys{}, 0, 4);
  CHECK_NOTHROW(trainer.step(batch));  // labels up to 1.5
  Trainer other{Module<Factor, float>{}, optim::Sgd{}};
  batch.clip.data()[0] = 2;
  CHECK_THROWS_AS(other.step(batch), Error);
}
