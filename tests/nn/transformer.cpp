// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/transformer.hpp>
#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;

namespace {

constexpr TransformerOptions rotary{.rotary = true}, by_frame{.causal = Causal::frame}, dropping{.dropout = 0.5};

using Tokens = Stack<Linear<3, 8>, SinusoidalPosition, Transformer<2, 8, 2>, LayerNorm<8>, Linear<8, 3>>;
using Clips =
    Stack<Linear<3, 8>, LearnedPosition<8, 5, 2, 3>, Transformer<2, 8, 2, by_frame>, LayerNorm<8>, Linear<8, 3>>;
using Mixed = Stack<Linear<3, 8>, TransformerBlock<8, 2, rotary>, GruCell<8, 4>, Linear<4, 3>>;

template <class Net>
Shape sequence(Index n, Index t) {
  return Net::dimensions == 3 ? Shape{n, t, 2, 3, 3} : Shape{n, t, 3};
}

template <class M, class X>
X stepwise(const M& net, const X& x) {
  List<X> outputs;
  const auto frames = unstack(x, 1);
  auto state = net->start(frames[0]);
  for (const X& frame : frames) outputs.push_back(net->step(frame, state));
  return stack(1, outputs);
}

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

}  // namespace

static_assert(Clips::dimensions == 3 && Clips::in == 3 && Clips::out == 3);

#define NETWORKS Tokens, Clips, Mixed

TEST_CASE_TEMPLATE("a block adds attention, then a perceptron, each of what is normalised", T, float, double) {
  const Module<TransformerBlock<8, 2, rotary>, T> net{Rng{1}};
  const auto x = random<T>({2, 5, 8});
  const Tensor<T> y = x + net->attention(net->norm1(x));
  CHECK(difference<T>(net(x), y + net->mlp(net->norm2(y))) < tolerance<T>);
}

TEST_CASE("parameters are named norm1, qkv, out, norm2, mlp") {
  const Module<Transformer<2, 8, 2>, float> net{Rng{1}};
  std::vector<std::string> names;
  for_each_parameter(net, [&](const std::string& name, const auto&) { names.push_back(name); });
  REQUIRE(names.size() == 24);
  names.resize(13);
  CHECK(names == std::vector<std::string>{"0.norm1.weight", "0.norm1.bias", "0.qkv.weight", "0.qkv.bias",
                                          "0.out.weight", "0.out.bias", "0.norm2.weight", "0.norm2.bias",
                                          "0.mlp.0.weight", "0.mlp.0.bias", "0.mlp.2.weight", "0.mlp.2.bias",
                                          "1.norm1.weight"});
}

TEST_CASE_TEMPLATE("transformers give step by step what they give at once", Net, NETWORKS) {
  const auto check = [](auto scalar) {
    using T = decltype(scalar);
    const Module<Net, T> net{Rng{1}};
    const auto x = random<T>(sequence<Net>(2, 5), 2);
    const auto all = net(x);
    REQUIRE(all.shape() == x.shape());
    CHECK(difference(stepwise(net, x), all) < tolerance<T>);
    auto state = net->start(x);
    const auto first = net(slice(x, 1, 0, 3), state), second = net(slice(x, 1, 3, 5), state);
    CHECK(difference(concat(1, first, second), all) < tolerance<T>);
  };
  check(float{});
  check(double{});
}

TEST_CASE_TEMPLATE("a transformer's output does not depend on later inputs", Net, NETWORKS) {
  const Module<Net, float> net{Rng{1}};
  auto frames = unstack(random<float>(sequence<Net>(2, 4)), 1);
  const auto before = unstack(net(stack(1, frames)), 1);
  frames[2] = random<float>(frames[2].shape(), 9);
  const auto after = unstack(net(stack(1, frames)), 1);
  CHECK(test::same(before[0], after[0]));
  CHECK(test::same(before[1], after[1]));
  CHECK_FALSE(test::same(before[2], after[2]));
  CHECK_FALSE(test::same(before[3], after[3]));
}

TEST_CASE_TEMPLATE("sequences of one batch do not meet in a transformer", Net, NETWORKS) {
  const Module<Net, double> net{Rng{1}};
  const auto x = random<double>(sequence<Net>(3, 4), 2);
  const auto all = net(x);
  for (Index n = 0; n < 3; ++n) CHECK(difference(net(x.slice(n, n + 1)), all.slice(n, n + 1)) < tolerance<double>);
}

TEST_CASE_TEMPLATE("gradients of a transformer agree with difference quotients", Net, NETWORKS) {
  Module<Net, double> net{Rng{1}};
  const auto x = random<double>(sequence<Net>(1, 3), 2);
  CHECK(gradient_error([&](const auto& v) { return net(v); }, x) < 1e-7);
  CHECK(parameter_gradient_error(net, [&](Tape& tape) { return net(tape.constant(x)); }) < 1e-7);
}

TEST_CASE_TEMPLATE("transformers give the same bits on any number of threads", Net, NETWORKS) {
  const auto check = [](auto scalar) {
    using T = decltype(scalar);
    const Module<Net, T> net{Rng{1}};
    const auto x = random<T>(sequence<Net>(7, 5), 2);
    const auto run = [&](int count) {
      set_threads(count);
      Tape tape{net};
      const auto y = net(tape.constant(x));
      return std::pair{y.value(), tape.gradient(sum(square(y)), net)};
    };
    const int before = threads();
    const auto [alone, alone_gradient] = run(1);
    const auto [together, together_gradient] = run(3);
    set_threads(before);
    CHECK(test::same(alone, together));
    CHECK(test::same(alone_gradient, together_gradient));
  };
  check(float{});
  check(double{});
}

TEST_CASE("dropout happens in training only") {
  const Module<TransformerBlock<8, 2, dropping>, float> net{Rng{1}};
  const auto x = random<float>({2, 5, 8});
  Tape tape{Rng{1}};
  CHECK(test::same(net(x), net(x)));
  CHECK_FALSE(difference(net(tape.constant(x)).value(), net(x)) < 1e-2);
}
