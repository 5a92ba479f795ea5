// SPDX-License-Identifier: MIT
#include <flipbook/nn/residual.hpp>

#include <doctest/doctest.h>

#include <string>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

using Block = nn::Residual<nn::LayerNorm<4>, nn::Linear<4, 8>, nn::Tanh, nn::Linear<8, 4>>;
using Wider = nn::ProjectedResidual<nn::Linear<4, 6>, nn::Linear<4, 6>, nn::Tanh>;

template <class M>
std::string names(M& module) {
  std::string joined;
  for_each_field(module, [&](const std::string& name, const auto&) { joined += name + " "; });
  return joined;
}

}  // namespace

TEST_CASE_TEMPLATE("a residual adds its input, or a projection of it, to its body", T, float, double) {
  const auto x = random<T>({3, 5, 4});
  const Module<Block, T> block{Rng{1}};
  CHECK(same(block(x), x + block->body(x)));
  const Module<Wider, T> wider{Rng{1}};
  CHECK(same(wider(x), wider->shortcut(x) + wider->body(x)));
  CHECK(Wider::in == 4);
  CHECK(Wider::out == 6);
  CHECK(nn::Residual<nn::Tanh>::out == nn::any);
}

TEST_CASE("repeated blocks have parameters of their own and run one after another") {
  Module<nn::Repeat<3, Block>, double> stack{Rng{1}};
  CHECK(stack.parameters().size() == 3 * (8 + 40 + 36));
  const auto x = random<double>({2, 4});
  CHECK(same(stack(x), stack->blocks[2](stack->blocks[1](stack->blocks[0](x)))));
  CHECK_FALSE(same(stack->blocks[0].body(x), stack->blocks[1].body(x)));
  CHECK(parameter_gradient_error(stack, [&](Tape& tape) { return stack(tape.constant(x)); }) < 1e-7);
}

TEST_CASE("parameters are named by their place in the tree") {
  Module<Wider, float> wider;
  CHECK(names(wider) == "body.0.weight body.0.bias shortcut.weight shortcut.bias ");
  Module<nn::Repeat<2, nn::Linear<3, 3, false>>, float> stack;
  CHECK(names(stack) == "0.weight 1.weight ");
}

TEST_CASE("a body that changes the extents is refused rather than broadcast") {
  const Module<nn::Residual<nn::Conv1d<2, 2, Window{.kernel = 3}>>, float> block;
  CHECK(error_of([&] {
          block(random<float>({1, 3, 2}));
        }) == "Residual: the body gives shape (1, 1, 2), the shortcut (1, 3, 2)");
}

TEST_CASE("a scale of layers multiplies each channel by a parameter, whose gradient is exact") {
  Module<nn::LayerScale<3, 0.25>, double> layer;
  const auto x = random<double>({2, 5, 3});
  CHECK(difference(layer(x), affine(x, 0.25, 0)) < tolerance<double>);
  auto scales = layer.parameters();  // the same memory
  for (Index i = 0; i < 3; ++i) scales.data()[i] = static_cast<double>(i);
  CHECK(same(layer(x), x * Tensor<double>({3}, {0, 1, 2})));
  CHECK(gradient_error([&](const auto& v) { return layer(v); }, x) < 1e-8);
  CHECK(parameter_gradient_error(layer, [&](Tape& tape) { return layer(tape.constant(x)); }) < 1e-8);
}
