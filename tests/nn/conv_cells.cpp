// SPDX-License-Identifier: MIT
#include <flipbook/nn/conv_cells.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/join.hpp>

#include "cell_gradients.hpp"
#include "initial.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::fields_of;
using test::random;
using test::tolerance;

namespace {

constexpr Window same{.kernel = 3, .padding = 1};

}  // namespace

TEST_CASE_TEMPLATE("a convolutional LSTM is one convolution over input and state, then the gates", T, float, double) {
  const Module<ConvLstmCell<2, 3, same>, T> cell{Rng{1}};
  const auto x = random<T>({2, 5, 4, 2}, 2), h = random<T>({2, 5, 4, 3}, 3), c = random<T>({2, 5, 4, 3}, 4);
  auto state = cell->start(x);
  state.h = h, state.c = c;
  const auto y = cell(x, state);
  const auto gates = split(conv(concat(-1, x, h), cell->gates.weight, cell->gates.bias, same), -1, 4);
  const Tensor<T> next_c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[3]);
  CHECK(difference(state.c, next_c) < 4 * tolerance<T>);
  CHECK(difference<T>(y, sigmoid(gates[2]) * tanh(next_c)) < 4 * tolerance<T>);
}

TEST_CASE_TEMPLATE("a convolutional GRU applies its reset gate to what the state gives", T, float, double) {
  const Module<ConvGruCell<2, 3, same>, T> cell{Rng{1}};
  const auto x = random<T>({2, 5, 4, 2}, 2), h = random<T>({2, 5, 4, 3}, 3);
  auto state = cell->start(x);
  state.h = h;
  const auto y = cell(x, state);
  const auto from_x =
      split(conv(concat(-1, x, zeros<T>(h.shape())), cell->gates.weight, cell->gates.bias, same), -1, 3);
  const auto from_h = split(conv(concat(-1, zeros<T>(x.shape()), h), cell->gates.weight, None{}, same), -1, 3);
  const Tensor<T> r = sigmoid(from_x[0] + from_h[0]), z = sigmoid(from_x[1] + from_h[1]);
  const Tensor<T> n = tanh(from_x[2] + r * from_h[2]);
  CHECK(difference<T>(y, (1 - z) * n + z * h) < 4 * tolerance<T>);
}

TEST_CASE("a convolutional cell may do without a bias, and with an uneven or dilated window") {
  constexpr Window bare{.kernel = {2, 3}, .padding = {Extent{0, 2}, Extent{1, 2}}, .dilation = {1, 2}, .bias = false};
  const Module<ConvLstmCell<1, 2, bare>, double> cell{Rng{1}};
  CHECK(fields_of(cell) == "gates.weight(2, 3, 3, 8) ");
  const auto x = random<double>({1, 3, 6, 1});
  auto state = cell->start(x);
  CHECK(cell(x, state).shape() == Shape{1, 3, 6, 2});
}

TEST_CASE("one convolution gives the gates, with its first values, and a state begins as zeros") {
  const Module<ConvLstmCell<2, 14, same>, double> lstm{Rng{1}};
  CHECK(fields_of(lstm) == "gates.weight(3, 3, 16, 56) gates.bias(56) ");
  CHECK(test::fills(lstm->gates.weight.value, 1.0 / 12));
  CHECK(test::fills(lstm->gates.bias.value, 1.0 / 12));
  const Module<ConvGruCell<2, 3, same>, double> gru{Rng{1}};
  CHECK(fields_of(gru) == "gates.weight(3, 3, 5, 9) gates.bias(9) ");
  CHECK(Cell<ConvLstmCell<2, 14, same>>);
  CHECK(ConvLstmCell<2, 14, same>::out == 14);
  CHECK(ConvGruCell<2, 3, same>::dimensions == 2);

  const auto frame = random<double>({2, 5, 4, 2});
  const auto state = lstm->start(frame);
  CHECK(test::same(state.h, zeros<double>({2, 5, 4, 14})));
  CHECK(test::same(state.c, zeros<double>({2, 5, 4, 14})));
  CHECK(test::same(gru->start(frame).h, zeros<double>({2, 5, 4, 3})));
}

TEST_CASE("a window keeps height and width, or it is none for a cell") {
  using nn::detail::keeps_extents;
  CHECK(keeps_extents(same));
  CHECK(keeps_extents({.kernel = {1, 5}, .padding = {0, 2}}));
  CHECK(keeps_extents({.kernel = 3, .padding = 2, .dilation = 2}));
  CHECK(!keeps_extents({.kernel = 3}));
  CHECK(!keeps_extents({.kernel = 3, .stride = 2, .padding = 1}));
  CHECK(!keeps_extents({.kernel = 3, .padding = 1, .groups = 2}));
  CHECK(!keeps_extents({.kernel = 3, .padding = 1, .causal = true}));
}

TEST_CASE("a frame of other channels is refused, and so is one without any") {
  const Module<ConvLstmCell<2, 3, same>, float> cell;
  auto state = cell->start(zeros<float>({1, 4, 4, 2}));
  CHECK(test::error_of([&] {
          cell(zeros<float>({1, 4, 4, 1}), state);
        }) == "conv: input (1, 4, 4, 1) has 1 channels, weights (3, 3, 2, 12) need 2");
  CHECK(test::error_of([&] { cell->start(zeros<float>({4})); }) == "a cell needs a frame (N, …, C), got (4)");
}

TEST_CASE_TEMPLATE("gradients of both cells over two steps agree with difference quotients", C,
                   ConvLstmCell<2, 3, same>, ConvGruCell<2, 3, same>) {
  test::check_cell_gradients<C>({2, 3, 2, 2});
}
