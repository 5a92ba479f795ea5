// SPDX-License-Identifier: MIT
#include <flipbook/train/trainer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <flipbook/nn/linear.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/optim/sgd.hpp>

#include "../io/files.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// The logarithm of the square of a layer's output, which may be zero; a root whose gradient may be infinite; a number
/// that is not finite and goes nowhere.
struct Edge {
  template <Real T, class B>
  struct Instance {
    Of<nn::Linear<2, 2>, T, B> first, second;
    double root = 0, masked = 0;
    mutable int once = 0;  // so often the loss is nan
    explicit Instance(Rng& rng) : first(rng), second(rng) {}
    static void fields(auto& self, auto&& field) {
      field("first", self.first);
      field("second", self.second);
      field("root", self.root);
      field("masked", self.masked);
    }
    template <Value V>
    V loss(const V& x) const {
      const V y = square(first(x));
      if (once > 0) return --once, mean(second(y)) * NAN;
      if (masked != 0) (void)log(y * 0.0);
      if (root != 0) return mean(square(second(sqrt(y * 0.0))));
      return mean(second(log(y)));
    }
  };
};
auto new_trainer() { return Trainer{Module<Edge, float>{Rng{1}}, optim::Sgd{.learning_rate = 1e-3}}; }
const Tensor<float> batch({3, 2}, {1, 2, 3, 4, 5, 6});

std::string message_of(auto& trainer, const Tensor<float>& clips) {
  const auto parameters = to_vector(trainer.model.parameters());
  const Rng rng = trainer.rng();
  const std::string message = error_of([&] { (void)trainer.step(clips); });
  CHECK(to_vector(trainer.model.parameters()) == parameters);
  CHECK(trainer.rng() == rng);
  CAPTURE(message);
  CHECK(message.find("flipbook") == std::string::npos);
  return message;
}

}  // namespace

TEST_CASE("of a loss that is not finite the operation is named that the first such number came of, with its layer") {
  auto trainer = new_trainer();
  fill(trainer.model->first.bias.value, 0.F);
  const std::string message = message_of(trainer, zeros<float>({3, 2}));
  mentions(message, "came of `Unary<Log>` of shape (3, 2) after 'first.");
  mentions(message, "whose input is (3, 2) in [0, 0], 6 of 6 zero");
  trainer.model->masked = 1;
  mentions(message_of(trainer, zeros<float>({3, 2})), "6 of 6 zero");
}

TEST_CASE("a number that is not finite and leads to nothing is not taken for the cause") {
  auto trainer = new_trainer();
  trainer.model->masked = 1;
  (void)trainer.step(batch);
  fill(trainer.model->second.bias.value, INFINITY);
  mentions(message_of(trainer, batch), "'second.bias' is not finite before any operation: (2), 2 of 2 infinite");
}

TEST_CASE("of a gradient that is not finite the operation is named that first gave one") {
  auto trainer = new_trainer();
  trainer.model->root = 1;
  const std::string message = message_of(trainer, batch);
  mentions(message, "the gradient is not finite");
  mentions(message, "that of `Unary<Sqrt>` of shape (3, 2) after 'first.");
}

TEST_CASE("a step that is finite where it is taken again has changed nothing either") {
  auto trainer = new_trainer();
  trainer.model->once = 1;
  message_of(trainer, batch);
  CHECK(trainer.steps() == 0);
  trainer.training().visit_optimizers([](const auto&, auto& optimizer) { CHECK(optimizer.steps() == 0); });
}

TEST_CASE("data that are not finite are named, with the clip of the batch") {
  auto trainer = new_trainer();
  Tensor<float> clips = batch.clone();
  clips.data()[5] = NAN;
  mentions(message_of(trainer, clips),
           "after 0 steps; clip 2 of the batch is not finite: 'clip' is (3, 2) in [1, 5], 1 of 6 nan");
}
