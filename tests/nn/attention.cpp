// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <utility>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/permute.hpp>
#include <flipbook/ops/softmax/softmax.hpp>
#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;

namespace {

constexpr TransformerOptions bidirectional{.causal = Causal::no}, by_frame{.causal = Causal::frame},
    by_call{.causal = Causal::call}, rotary{.rotary = true},
    rotary_frames{.causal = Causal::frame, .rotary = true, .bias = false};

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

/// The heads' attentions from whole matrices, with a mask to add.
template <class T>
Tensor<T> plain(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v, const Tensor<T>& mask) {
  const auto by_head = [](const Tensor<T>& x) { return permute(x, {0, 2, 1, 3}); };
  const Tensor<T> scores = matmul(by_head(q), by_head(k), {.b = true}) / std::sqrt(double(q.extent(3))) + mask;
  return permute(matmul(softmax(scores), by_head(v)), {0, 2, 1, 3});
}
template <class T, class Seen>
Tensor<T> mask_of(Index queries, Index keys, const Seen& seen) {
  return test::tabulated<T>({queries, keys}, [&](const test::Indices& at) { return seen(at[0], at[1]) ? 0.0 : -1e30; });
}

template <class M, class X>
X stepwise(const M& net, const X& x) {
  List<X> outputs;
  const auto frames = unstack(x, 1);
  auto state = net->start(frames[0]);
  for (const X& frame : frames) outputs.push_back(net->step(frame, state));
  return stack(1, outputs);
}

}  // namespace

TEST_CASE_TEMPLATE("multi-head attention is a projection, attention of each head, and a projection", T, float, double) {
  const auto check = [](const auto& net, const Tensor<T>& x, const auto& seen) {
    const Index tokens = x.size() / x.extent(0) / 8;
    const auto parts = unstack(reshape(net->qkv(x), {x.extent(0), tokens, 3, 2, 4}), 2);
    const auto heads = plain(parts[0], parts[1], parts[2], mask_of<T>(tokens, tokens, seen));
    CHECK(difference(net(x), net->out(reshape(heads, x.shape()))) < tolerance<T>);
  };
  const auto tokens = random<T>({2, 37, 8}), clip = random<T>({2, 3, 2, 3, 8});
  check(Module<MultiHeadAttention<8, 2>, T>{Rng{1}}, tokens, [](Index i, Index j) { return j <= i; });
  check(Module<MultiHeadAttention<8, 2>, T>{Rng{1}}, clip, [](Index i, Index j) { return j <= i; });
  check(Module<MultiHeadAttention<8, 2, bidirectional>, T>{Rng{1}}, clip, [](Index, Index) { return true; });
  check(Module<MultiHeadAttention<8, 2, by_frame>, T>{Rng{1}}, clip, [](Index i, Index j) { return j / 6 <= i / 6; });
}

TEST_CASE_TEMPLATE("cross attention takes keys and values from the context", T, float, double) {
  const Module<CrossAttention<8, 2, 5>, T> net{Rng{1}};
  const auto x = random<T>({2, 7, 8}, 1), context = random<T>({2, 3, 4, 5}, 2);
  const auto kv = unstack(reshape(net->kv(context), {2, 12, 2, 2, 4}), 2);
  const auto expected = plain(reshape(net->q(x), {2, 7, 2, 4}), kv[0], kv[1], zeros<T>({7, 12}));
  CHECK(difference(net(x, context), net->out(reshape(expected, x.shape()))) < tolerance<T>);

  const auto mask = mask_of<T>(7, 12, [](Index, Index j) { return j != 11; });
  const auto masked = net(x, context, mask);
  CHECK_FALSE(difference(masked, net(x, context)) < 1e-4);
  CHECK(difference(masked, net(x, slice(context.reshape({2, 12, 5}), 1, 0, 11))) < tolerance<T>);
}

#define NETWORKS                                                                                  \
  MultiHeadAttention<8, 2>, MultiHeadAttention<8, 1, rotary>, MultiHeadAttention<8, 4, by_frame>, \
      MultiHeadAttention<12, 2, rotary_frames>

TEST_CASE_TEMPLATE("with a cache, step by step gives what the whole sequence gives", Net, NETWORKS) {
  const auto check = [](auto scalar) {
    using T = decltype(scalar);
    const Module<Net, T> net{Rng{1}};
    const auto tokens = random<T>({2, 67, Net::in});
    CHECK(difference(stepwise(net, tokens), net(tokens)) < tolerance<T>);
    if (std::is_same_v<Net, MultiHeadAttention<8, 2>> || std::is_same_v<Net, MultiHeadAttention<8, 1, rotary>>) return;
    const auto clip = random<T>({2, 5, 3, 2, Net::in});
    CHECK(difference(stepwise(net, clip), net(clip)) < tolerance<T>);
  };
  check(float{});
  check(double{});
}

TEST_CASE_TEMPLATE("a context may be read at once, and what follows step by step", Net, NETWORKS) {
  const Module<Net, double> net{Rng{1}};
  const auto x = random<double>({2, 9, Net::in});
  auto cache = net->start(x);
  const auto context = net(slice(x, 1, 0, 6), cache), rest = net(slice(x, 1, 6, 9), cache);
  CHECK(difference(concat(1, context, rest), net(x)) < tolerance<double>);
  CHECK(cache.length() == 9);
}

TEST_CASE_TEMPLATE("calls of any lengths see each other's tokens, as a mask of blocks says at once", T, float, double) {
  const Module<MultiHeadAttention<8, 2, by_call>, T> net{Rng{1}};
  const auto x = random<T>({2, 12, 8});
  const auto call_of = [](Index at) { return at < 1 ? 0 : at < 4 ? 1 : at < 6 ? 2 : 3; };
  auto cache = net->start(x);
  List<Tensor<T>> outputs;
  for (const auto& [first, last] : {std::pair{0, 1}, {1, 4}, {4, 6}, {6, 12}}) {
    outputs.push_back(net(slice(x, 1, first, last), cache));
  }
  const auto mask = mask_of<T>(12, 12, [&](Index i, Index j) { return call_of(j) <= call_of(i); });
  CHECK(difference(concat(1, outputs), net(x, mask)) < tolerance<T>);
  CHECK_THROWS_WITH_AS(net(x), "MultiHeadAttention: Causal::call needs a mask or a cache", Error);
}

TEST_CASE("a copied cache goes its own way") {
  const Module<MultiHeadAttention<8, 2>, float> net{Rng{1}};
  const auto x = random<float>({1, 4, 8}, 1), other = random<float>({1, 1, 8}, 2);
  auto cache = net->start(x);
  net(slice(x, 1, 0, 3), cache);
  auto branch = cache;
  net(other, branch);
  const auto after = net(slice(x, 1, 3, 4), cache);
  CHECK(difference(after, slice(net(x), 1, 3, 4)) < 1e-5);
  CHECK(cache.length() == 4);
  CHECK(branch.length() == 4);
}

TEST_CASE_TEMPLATE("a causal attention's output does not depend on later inputs", Net, NETWORKS) {
  const Module<Net, float> net{Rng{1}};
  const auto x = random<float>({2, 4, 2, 1, Net::in});
  auto frames = unstack(x, 1);
  frames[2] = random<float>(frames[2].shape(), 9);
  const auto before = unstack(net(x), 1), after = unstack(net(stack(1, frames)), 1);
  CHECK(test::same(before[0], after[0]));
  CHECK(test::same(before[1], after[1]));
  CHECK_FALSE(test::same(before[2], after[2]));
  CHECK_FALSE(test::same(before[3], after[3]));
}

TEST_CASE_TEMPLATE("gradients of attention layers agree with difference quotients, cached or not", Net, NETWORKS) {
  Module<Net, double> net{Rng{1}};
  const auto x = random<double>({2, 3, 2, 1, Net::in});
  CHECK(gradient_error([&](const auto& v) { return net(v); }, x) < 1e-7);
  CHECK(parameter_gradient_error(net, [&](Tape& tape) { return net(tape.constant(x)); }) < 1e-7);
  if constexpr (std::is_same_v<Net, MultiHeadAttention<8, 4, by_frame>>) {
    CHECK(gradient_error([&](const auto& v) { return stepwise(net, v); }, x) < 1e-7);
  }
}

TEST_CASE("gradients of cross attention agree with difference quotients") {
  Module<CrossAttention<4, 2, 3>, double> net{Rng{1}};
  const auto x = random<double>({2, 3, 4}, 1), context = random<double>({2, 5, 3}, 2);
  CHECK(gradient_error([&](const auto& a, const auto& b) { return net(a, b); }, x, context) < 1e-7);
  CHECK(parameter_gradient_error(net, [&](Tape& tape) { return net(tape.constant(x), tape.constant(context)); }) <
        1e-7);
}

TEST_CASE("what is not a sequence is refused") {
  const Module<MultiHeadAttention<8, 2>, float> net{Rng{1}};
  CHECK(test::error_of([&] {
          net(zeros<float>({2, 8}));
        }) == "MultiHeadAttention: needs a sequence (N, T, …, C), got (2, 8)");
  CHECK_THROWS_AS(net(zeros<float>({2, 3, 7})), Error);
}
