// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/recurrent.hpp>
#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;
using test::tolerance;

namespace {

constexpr Window same{.kernel = 3, .padding = 1};
constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};

using Vectors = Stack<Linear<3, 5>, Tanh, LstmCell<5, 7>, GruCell<7, 4>, RnnCell<4, 2>>;
using Images = Stack<ConvLstmCell<1, 3, same>, Conv2d<3, 2, half>, ConvGruCell<2, 4, same>, Conv2d<4, 1, same>>;

template <class Net>
Shape clip(Index n, Index t) {
  if constexpr (Net::dimensions == 1) return Shape{n, t, Net::in};
  else return Shape{n, t, 6, 4, Net::in};
}

/// The whole sequence, one step at a time.
template <class M, class X, class State>
auto stepwise(const M& net, const X& x, State& state) {
  List<X> outputs;
  for (const X& frame : unstack(x, 1)) outputs.push_back(net->step(frame, state));
  return stack(1, outputs);
}

}  // namespace

static_assert(Vectors::in == 3 && Vectors::out == 2 && Vectors::dimensions == 1);
static_assert(Images::in == 1 && Images::out == 1 && Images::dimensions == 3);
static_assert(Recurrent<ConvLstmCell<1, 3, same>>::dimensions == 3);

#define NETWORKS                                                                                                       \
  Recurrent<RnnCell<3, 5>>, Recurrent<LstmCell<3, 1>>, Recurrent<GruCell<3, 17>>, Recurrent<ConvLstmCell<2, 3, same>>, \
      Recurrent<ConvGruCell<2, 3, same>>, Vectors, Images

TEST_CASE_TEMPLATE("step by step gives what the whole sequence gives", Net, NETWORKS) {
  const auto check = [](auto scalar) {
    using T = decltype(scalar);
    const Module<Net, T> net{Rng{1}};
    for (const Index t : {1, 2, 5}) {
      const auto x = random<T>(clip<Net>(2, t), 2);
      auto state = net->start(unstack(x, 1)[0]);
      CHECK(difference(stepwise(net, x, state), net(x)) < tolerance<T>);
    }
  };
  check(float{});
  check(double{});
}

TEST_CASE_TEMPLATE("a sequence may be run in two parts, the state carried over", Net, NETWORKS) {
  const Module<Net, double> net{Rng{1}};
  const auto x = random<double>(clip<Net>(2, 5), 2);
  auto state = net->start(unstack(x, 1)[0]);
  const auto first = net(slice(x, 1, 0, 2), state), second = net(slice(x, 1, 2, 5), state);
  CHECK(difference(concat(1, first, second), net(x)) < tolerance<double>);
}

TEST_CASE_TEMPLATE("an output does not depend on later inputs", Net, NETWORKS) {
  const Module<Net, float> net{Rng{1}};
  const auto x = random<float>(clip<Net>(2, 4), 2);
  auto frames = unstack(x, 1);
  frames[2] = random<float>(frames[2].shape(), 9);
  const auto before = unstack(net(x), 1), after = unstack(net(stack(1, frames)), 1);
  CHECK(test::same(before[0], after[0]));
  CHECK(test::same(before[1], after[1]));
  CHECK_FALSE(test::same(before[2], after[2]));
  CHECK_FALSE(test::same(before[3], after[3]));
}

TEST_CASE_TEMPLATE("sequences of one batch do not meet", Net, NETWORKS) {
  const Module<Net, double> net{Rng{1}};
  const auto x = random<double>(clip<Net>(3, 4), 2);
  const auto all = net(x);
  for (Index n = 0; n < 3; ++n) CHECK(difference(net(x.slice(n, n + 1)), all.slice(n, n + 1)) < tolerance<double>);
}

TEST_CASE_TEMPLATE("recurrent networks give the same bits on any number of threads", Net, NETWORKS) {
  const auto check = [](auto scalar) {
    using T = decltype(scalar);
    const Module<Net, T> net{Rng{1}};
    const auto x = random<T>(clip<Net>(17, 3), 2);
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

TEST_CASE_TEMPLATE("gradients through time agree with difference quotients", Net, NETWORKS) {
  Module<Net, double> net{Rng{1}};
  const auto x = random<double>(clip<Net>(1, 3), 2);
  CHECK(gradient_error([&](const auto& v) { return net(v); }, x) < 1e-7);
  CHECK(parameter_gradient_error(net, [&](Tape& tape) { return net(tape.constant(x)); }) < 1e-7);
}

TEST_CASE("gradients reach the initial state") {
  const Module<Recurrent<LstmCell<2, 3>>, double> net{Rng{1}};
  const auto x = random<double>({2, 3, 2}), h = random<double>({2, 3}, 2), c = random<double>({2, 3}, 3);
  CHECK(gradient_error(
            [&](const auto& v, const auto& h0, const auto& c0) {
              auto state = net->start(h0);
              state = {h0, c0};
              return net(v, state);
            },
            x, h, c) < 1e-7);
}

TEST_CASE("what is not a sequence is refused") {
  const Module<Recurrent<LstmCell<2, 3>>, float> net{Rng{1}};
  CHECK(test::error_of([&] {
          net(zeros<float>({2, 2}));
        }) == "a recurrent network needs a sequence (N, T, …, C) of at least one step, got (2, 2)");
  CHECK_THROWS_AS(net(zeros<float>({2, 0, 2})), Error);
  CHECK_THROWS_AS(net(zeros<float>({2, 3, 5})), Error);
}
