// SPDX-License-Identifier: MIT
#include <flipbook/nn/evaluating.hpp>

#include <doctest/doctest.h>

#include <flipbook/autodiff/recompute.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/spectral_norm.hpp>
#include <flipbook/testing/gradients.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

/// All that is not the same in training and in inference.
using Network = Sequential<SpectralNorm<Linear<3, 5>>, BatchNorm<5>, SiLU, Dropout<0.5>, Linear<5, 4>,
                           BatchNorm<4, NormOptions{.affine = false}>>;

template <class T>
const Tensor<T> x = random<T>({7, 3});

/// A network whose buffers are no longer those that it began with.
template <class T>
Module<Network, T> used() {
  Module<Network, T> network{Rng{1}};
  for (std::uint64_t i = 0; i < 3; ++i) {
    Tape tape{Rng{i}};
    network(tape.constant(affine(random<T>({9, 3}, i), 2, 1)));
    tape.apply_updates();
  }
  return network;
}

bool is_zero(const Tensor<double>& g) { return same(g, zeros<double>(g.shape())); }

}  // namespace

TEST_CASE_TEMPLATE("on a tape an evaluating or frozen module gives what it gives of tensors", T, float, double) {
  const auto network = used<T>();
  const auto y = network(x<T>);
  CHECK(same(evaluating(network)(x<T>), y));
  CHECK(same(frozen(network)(x<T>), y));
  Tape tape{network};
  CHECK(!same(network(tape.constant(x<T>)).value(), y));  // that is training
  const auto drawn = tape.rng().position();
  CHECK(same(evaluating(network)(tape.constant(x<T>)).value(), y));
  CHECK(same(evaluating(network)(tape.variable(x<T>)).value(), y));
  CHECK(same(frozen(network)(tape.variable(x<T>)).value(), y));
  CHECK(tape.rng().position() == drawn);
}

TEST_CASE("gradients of an evaluating module agree with finite differences") {
  auto network = used<double>();
  const auto f = [&](const auto& v) { return evaluating(network)(v); };
  CHECK(gradient_error(f, x<double>) < 1e-7);
  CHECK(second_gradient_error(f, x<double>) < 1e-6);
  CHECK(parameter_gradient_error(network, [&](Tape& tape) { return f(tape.constant(x<double>)); }) < 1e-7);
  CHECK(gradient_error([&](const auto& v) { return frozen(network)(v); }, x<double>) < 1e-7);
}

TEST_CASE("buffers do not follow an evaluating or frozen module, and follow it again afterwards") {
  const auto network = used<double>();
  const auto before = network.buffers().clone();
  Tape tape{network};
  (void)evaluating(network)(tape.constant(x<double>));
  (void)frozen(network)(tape.constant(x<double>));
  tape.apply_updates();
  CHECK(same(network.buffers(), before));
  CHECK(tape.mode() == Mode::training);
  (void)network(tape.constant(x<double>));
  tape.apply_updates();
  CHECK(!same(network.buffers(), before));
}

TEST_CASE("the gradient goes through a frozen module, not to its parameters") {
  const auto network = used<double>();
  const auto slopes = [&](const auto& f) {
    Tape tape{network};
    const auto v = tape.variable(x<double>);
    const auto y = flipbook::detail::projected(f(v));
    return std::pair{tape.gradient(y, v, {.retain_graph = true}), tape.gradient(y, network)};
  };
  const auto [through, onto] = slopes([&](const auto& v) { return evaluating(network)(v); });
  const auto [through_frozen, onto_frozen] = slopes([&](const auto& v) { return frozen(network)(v); });
  CHECK(!is_zero(through));
  CHECK(!is_zero(onto));
  CHECK(same(through_frozen, through));
  CHECK(is_zero(onto_frozen));

  // A use that is not frozen counts as if it were alone.
  const auto both = slopes([&](const auto& v) { return frozen(network)(v) + evaluating(network)(v); });
  CHECK(difference(both.first, 2 * through) < 1e-14);
  CHECK(same(both.second, onto));
}

TEST_CASE("modes nest: what a frozen module calls is frozen, and what an evaluating one calls may be") {
  const Module<Linear<3, 3>, double> inner{Rng{1}}, outer{Rng{2}};
  const auto onto = [&](const auto& module, const auto& f) {
    Tape tape;
    tape.watch(inner);
    tape.watch(outer);
    const auto y = sum(f(tape.variable(x<double>)));
    CHECK(tape.mode() == Mode::training);
    return tape.gradient(y, module);
  };
  const auto all_frozen = frozen([&](const auto& v) { return outer(evaluating(inner)(v)); });
  CHECK(is_zero(onto(inner, all_frozen)));
  CHECK(is_zero(onto(outer, all_frozen)));
  const auto one_frozen = evaluating([&](const auto& v) { return outer(frozen(inner)(v)); });
  CHECK(is_zero(onto(inner, one_frozen)));
  CHECK(!is_zero(onto(outer, one_frozen)));
}

TEST_CASE("a call that throws leaves the tape as it was") {
  const auto network = used<double>();
  Tape tape{network};
  CHECK_THROWS_AS(frozen(network)(tape.constant(random<double>({7, 2}))), Error);
  CHECK(tape.mode() == Mode::training);
}

TEST_CASE("a recomputed segment runs again in the mode of its first run") {
  const auto network = used<double>();
  const auto slopes = [&](const auto& f) {
    Tape tape{network, Rng{3}};
    const auto v = tape.variable(x<double>);
    const auto y = flipbook::detail::projected(f(v));
    auto both = to_vector(tape.gradient(y, v, {.retain_graph = true}));
    for (const double slope : tape.gradient(y, network)) both.push_back(slope);
    return both;
  };
  const auto plain = [&](const auto& v) { return network(v); };
  const auto segment = [&](const auto& v) { return recompute([&](const auto& u) { return network(u); }, v); };
  CHECK(slopes(evaluating(segment)) == slopes(evaluating(plain)));
  CHECK(slopes(frozen(segment)) == slopes(frozen(plain)));
  CHECK(slopes(frozen(segment)) != slopes(evaluating(segment)));
  const auto within = [&](const auto& v) { return recompute(frozen(network), v); };
  CHECK(slopes(within) == slopes(frozen(plain)));
  CHECK(slopes(segment) == slopes(plain));
}

TEST_CASE("a network that goes step by step is frozen from its start to its last step") {
  const Module<Stack<GruCell<3, 4>, Dropout<0.5>, Linear<4, 2>>, double> network{Rng{1}};
  const auto clip = random<double>({2, 5, 3});
  Tape tape{network};
  const auto by_steps = frozen([&](const auto& frames) {
    auto state = network->start(frames);
    auto outputs = unstack(frames, 1);
    for (auto& frame : outputs) frame = network->step(frame, state);
    return stack(1, outputs);
  });
  const auto v = tape.variable(clip);
  const auto y = by_steps(v), whole = frozen(network)(v);
  CHECK(difference(whole.value(), network(clip)) < 1e-14);
  CHECK(difference(y.value(), network(clip)) < 1e-14);
  CHECK(is_zero(tape.gradient(sum(y), network)));
  CHECK(!is_zero(tape.gradient(sum(y), v)));

  const Module<GruCell<3, 4>, double> cell{Rng{2}};  // whose state is an argument of the call
  Tape other{cell};
  const auto first = other.variable(clip.reshape({10, 3}));
  auto state = cell->start(first);
  CHECK(is_zero(other.gradient(sum(frozen(cell)(first, state)), cell)));
  CHECK(!is_zero(other.gradient(sum(cell(first, state)), cell)));
}

TEST_CASE("a module that is given the tape itself, such as an embedding, takes its mode") {
  const Module<Embedding<4, 3>, double> table{Rng{2}};
  const Tensor<std::int32_t> tokens({3}, {0, 3, 1});
  Tape tape{table};
  const auto y = sum(frozen(table)(tape, tokens)), z = sum(evaluating(table)(tape, tokens));
  CHECK(is_zero(tape.gradient(y, table)));
  CHECK(!is_zero(tape.gradient(z, table)));
}
