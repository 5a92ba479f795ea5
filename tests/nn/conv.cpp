// SPDX-License-Identifier: MIT
#include <flipbook/nn/conv.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/module.hpp>
#include <flipbook/testing/gradients.hpp>

#include "initial.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

constexpr Window halves{.kernel = 4, .stride = 2, .padding = 1};
constexpr Window grouped{.kernel = {2, 3}, .padding = {0, 1}, .dilation = {1, 2}, .groups = 2};
constexpr Window bare{.kernel = {3, 2, 2}, .bias = false};

/// Parameters, channels and what a layer gives for an input of this shape.
template <class L>
void check(const std::string& fields, const Shape& from, const Shape& to) {
  CAPTURE(fields);
  const Module<L, double> layer{Rng{1}};
  CHECK(fields_of(layer) == fields);
  CHECK(L::in == from[-1]);
  CHECK(L::out == to[-1]);
  CHECK(L::dimensions == from.rank() - 2);
  const auto x = random<double>(from);
  const auto y = layer(x);
  CHECK(y.shape() == to);
  CHECK(same(y, L::of(x, layer->weight.value, layer->bias)));
  Tape tape{layer};
  CHECK(same(layer(tape.constant(x)).value(), y));
}

}  // namespace

TEST_CASE("convolutions in one, two and three dimensions name their parameters and halve extents") {
  check<Conv1d<2, 3, halves>>("weight(4, 2, 3) bias(3) ", {5, 8, 2}, {5, 4, 3});
  check<Conv2d<2, 3, halves>>("weight(4, 4, 2, 3) bias(3) ", {2, 8, 6, 2}, {2, 4, 3, 3});
  check<Conv3d<2, 3, halves>>("weight(4, 4, 4, 2, 3) bias(3) ", {1, 4, 8, 6, 2}, {1, 2, 4, 3, 3});
  check<Conv2d<4, 6, grouped>>("weight(2, 3, 2, 6) bias(6) ", {2, 5, 7, 4}, {2, 4, 5, 6});
  check<Conv3d<2, 3, bare>>("weight(3, 2, 2, 2, 3) ", {1, 4, 3, 5, 2}, {1, 2, 2, 4, 3});
}

TEST_CASE("transposed convolutions have the weight of the convolution that they are the adjoint of") {
  check<ConvTranspose1d<2, 3, halves>>("weight(4, 3, 2) bias(3) ", {5, 4, 2}, {5, 8, 3});
  check<ConvTranspose2d<2, 3, halves>>("weight(4, 4, 3, 2) bias(3) ", {2, 4, 3, 2}, {2, 8, 6, 3});
  check<ConvTranspose3d<2, 3, halves>>("weight(4, 4, 4, 3, 2) bias(3) ", {1, 2, 4, 3, 2}, {1, 4, 8, 6, 3});
  check<ConvTranspose2d<4, 6, grouped>>("weight(2, 3, 3, 4) bias(6) ", {2, 4, 5, 4}, {2, 5, 7, 6});

  const Module<Conv2d<2, 3, Window{.kernel = 3, .stride = 2, .bias = false}>, double> layer{Rng{1}};
  const Module<ConvTranspose2d<3, 2, Window{.kernel = 3, .stride = 2, .bias = false}>, double> adjoint{Rng{1}};
  const auto x = random<double>({2, 5, 7, 2}), y = random<double>({2, 2, 3, 3}, 2);
  CHECK(same(layer->weight.value, adjoint->weight.value));  // of the same seed and the same number of taps
  CHECK(sum(layer(x) * y).item() == doctest::Approx(sum(x * adjoint(y)).item()).epsilon(1e-12));
}

TEST_CASE("a layer is the operation of its name, with its window") {
  const Module<Conv2d<4, 6, grouped>, float> layer{Rng{2}};
  const auto x = random<float>({2, 5, 7, 4});
  CHECK(same(layer(x), conv(x, layer->weight, layer->bias, grouped)));
  const Module<ConvTranspose2d<4, 6, grouped>, float> adjoint{Rng{2}};
  CHECK(same(adjoint(x), conv_transpose(x, adjoint->weight, adjoint->bias, grouped)));
}

TEST_CASE("first values lie within ±1/√(inputs · taps), as PyTorch's, which takes a transposed one's outputs") {
  const auto check_initial = [](const auto& layer, double bound, WeightLayout layout) {
    CHECK(fills(layer->weight.value, bound));
    CHECK(fills(layer->bias.value, bound));
    CHECK(layer->weight.layout == layout);
  };
  constexpr Window window{.kernel = {2, 4}, .groups = 2};
  check_initial(Module<Conv2d<4, 50, window>, double>{Rng{1}}, 0.25, WeightLayout::convolution);
  check_initial(Module<ConvTranspose2d<4, 64, window>, double>{Rng{1}}, 0.0625, WeightLayout::transposed_convolution);
}

TEST_CASE("parameter gradients are exact, with groups and without a bias") {
  const auto exact = [](auto module, const Shape& shape) {
    const auto x = random<double>(shape);
    CHECK(parameter_gradient_error(module, [&](Tape& tape) { return module(tape.constant(x)); }) < 1e-8);
  };
  exact(Module<Conv2d<4, 6, grouped>, double>{Rng{4}}, {2, 3, 5, 4});
  exact(Module<ConvTranspose2d<4, 6, grouped>, double>{Rng{4}}, {2, 2, 2, 4});
  exact(Module<Conv3d<2, 3, bare>, double>{Rng{4}}, {1, 3, 3, 2, 2});
}

TEST_CASE("an input of other channels or dimensions, or too small a one, is refused with the shapes") {
  const Module<Conv2d<2, 3, Window{.kernel = 3}>, float> layer;
  CHECK(error_of([&] {
          layer(zeros<float>({1, 5, 5, 4}));
        }) == "conv: input (1, 5, 5, 4) has 4 channels, weights (3, 3, 2, 3) need 2");
  CHECK(error_of([&] {
          layer(zeros<float>({1, 5, 2}));
        }) == "conv: input (1, 5, 2) and weights (3, 3, 2, 3) differ in rank");
  CHECK(error_of([&] {
          layer(zeros<float>({1, 5, 2, 2}));
        }) == "conv: a kernel of 3 does not fit into an extent of 2 (input (1, 5, 2, 2), weights (3, 3, 2, 3))");
  const Module<ConvTranspose2d<2, 3, Window{.kernel = 1, .padding = 1}>, float> adjoint;
  CHECK(error_of([&] {
          adjoint(zeros<float>({1, 1, 1, 2}));
        }) == "conv_transpose: an extent of 1 would become -1 (input (1, 1, 1, 2), weights (1, 1, 3, 2))");
}
