// SPDX-License-Identifier: MIT
#include <flipbook/nn/linear.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/module.hpp>
#include <flipbook/testing/gradients.hpp>

#include "initial.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

TEST_CASE("a linear layer's parameters have PyTorch's names and first values, within ±1/√In") {
  const Module<Linear<16, 40>, double> layer{Rng{1}};
  CHECK(fields_of(layer) == "weight(16, 40) bias(40) ");
  CHECK(fills(layer->weight.value, 0.25));
  CHECK(fills(layer->bias.value, 0.25));
  CHECK(layer->weight.layout == WeightLayout::linear);
  CHECK(fields_of(Module<Linear<16, 40, false>, double>{}) == "weight(16, 40) ");
  CHECK(Linear<16, 40>::in == 16);
  CHECK(Linear<16, 40>::out == 40);
  CHECK(Linear<16, 40>::dimensions == any);
}

TEST_CASE_TEMPLATE("a linear layer multiplies the last axis, whatever stands before it", T, float, double) {
  const Module<Linear<3, 5>, T> layer{Rng{2}};
  const Module<Linear<3, 5, false>, T> bare{Rng{2}};
  for (const Shape& shape : {Shape{3}, Shape{1, 3}, Shape{7, 3}, Shape{2, 1, 3}, Shape{2, 3, 4, 3}, Shape{0, 3}}) {
    CAPTURE(to_string(shape));
    const auto x = random<T>(shape);
    const auto product = [&](const auto& net, double bias_weight) {
      return tabulated<T>(with(shape, shape.rank() - 1, 5), [&](const Indices& i) {
        const auto o = i[static_cast<std::size_t>(shape.rank() - 1)];
        double sum = bias_weight * static_cast<double>(layer->bias.value.data()[o]);
        for (Index c = 0; c < 3; ++c) {
          sum += static_cast<double>(at(x, with(i, shape.rank() - 1, c))) *
                 static_cast<double>(net->weight.value.data()[c * 5 + o]);
        }
        return sum;
      });
    };
    CHECK(difference(layer(x), product(layer, 1)) < tolerance<T>);
    CHECK(difference(bare(x), product(bare, 0)) < tolerance<T>);
    Tape tape{layer};
    CHECK(same(layer(tape.constant(x)).value(), layer(x)));
  }
}

TEST_CASE("gradients of a linear layer are exact") {
  Module<Linear<3, 5>, double> layer{Rng{3}};
  const auto x = random<double>({2, 4, 3});
  CHECK(gradient_error([&](const auto& v) { return layer(v); }, x) < 1e-8);
  CHECK(parameter_gradient_error(layer, [&](Tape& tape) { return layer(tape.constant(x)); }) < 1e-8);
}

TEST_CASE("an input of other channels is refused, with the shapes") {
  const Module<Linear<3, 5>, float> layer;
  CHECK(error_of([&] { layer(zeros<float>({2, 4})); }) == "linear: input (2, 4) with weights (3, 5)");
  CHECK(error_of([&] { layer(zeros<float>({})); }) == "linear: input () with weights (3, 5)");
}
