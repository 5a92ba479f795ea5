// SPDX-License-Identifier: MIT
#include <flipbook/nn/cells.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/nn/module.hpp>

#include "cell_gradients.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using test::difference;
using test::random;
using test::tolerance;

namespace {

/// x · w + b, one number at a time, in double; column `j` of row `n`.
template <class T>
double product(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Index n, Index j) {
  double sum = b.data()[j];
  for (Index i = 0; i < w.extent(0); ++i) sum += double(x.data()[n * w.extent(0) + i]) * w.data()[i * w.extent(1) + j];
  return sum;
}
double sigma(double x) { return 1 / (1 + std::exp(-x)); }

template <class C>
std::vector<std::string> names(const C& module) {
  std::vector<std::string> list;
  for_each_parameter(module, [&](const std::string& name, const auto&) { list.push_back(name); });
  return list;
}

}  // namespace

TEST_CASE_TEMPLATE("an RNN cell follows its equation", T, float, double) {
  const Module<RnnCell<3, 5>, T> cell{Rng{1}};
  const auto x = random<T>({2, 3}, 2), h = random<T>({2, 5}, 3);
  auto state = cell->start(x);
  CHECK(difference(state.h, zeros<T>({2, 5})) == 0);
  state.h = h;
  const auto y = cell(x, state);
  const auto expected = test::tabulated<T>({2, 5}, [&](const auto& at) {
    return std::tanh(product(x, cell->weight_ih.value, cell->bias_ih.value, at[0], at[1]) +
                     product(h, cell->weight_hh.value, cell->bias_hh.value, at[0], at[1]));
  });
  CHECK(difference(y, expected) < tolerance<T>);
  CHECK(test::same(y, state.h));
}

TEST_CASE_TEMPLATE("an LSTM cell follows its equations, its gates in PyTorch's order", T, float, double) {
  const Module<LstmCell<3, 7>, T> cell{Rng{1}};
  const auto x = random<T>({2, 3}, 2), h = random<T>({2, 7}, 3), c = random<T>({2, 7}, 4);
  auto state = cell->start(x);
  CHECK(difference(state.c, zeros<T>({2, 7})) == 0);
  state = {h, c};
  const auto y = cell(x, state);
  const auto gate = [&](const auto& at, Index which) {
    return product(x, cell->weight_ih.value, cell->bias_ih.value, at[0], which * 7 + at[1]) +
           product(h, cell->weight_hh.value, cell->bias_hh.value, at[0], which * 7 + at[1]);
  };
  const auto next_c = test::tabulated<T>({2, 7}, [&](const auto& at) {
    return sigma(gate(at, 1)) * double(test::at(c, at)) + sigma(gate(at, 0)) * std::tanh(gate(at, 2));
  });
  const auto next_h = test::tabulated<T>(
      {2, 7}, [&](const auto& at) { return sigma(gate(at, 3)) * std::tanh(double(test::at(next_c, at))); });
  CHECK(difference(y, next_h) < tolerance<T>);
  CHECK(difference(state.c, next_c) < tolerance<T>);
}

TEST_CASE_TEMPLATE("a GRU cell follows its equations, its gates in PyTorch's order", T, float, double) {
  const Module<GruCell<3, 7>, T> cell{Rng{1}};
  const auto x = random<T>({2, 3}, 2), h = random<T>({2, 7}, 3);
  auto state = cell->start(x);
  state.h = h;
  const auto y = cell(x, state);
  const auto expected = test::tabulated<T>({2, 7}, [&](const auto& at) {
    const auto from_x = [&](Index k) {
      return product(x, cell->weight_ih.value, cell->bias_ih.value, at[0], k * 7 + at[1]);
    };
    const auto from_h = [&](Index k) {
      return product(h, cell->weight_hh.value, cell->bias_hh.value, at[0], k * 7 + at[1]);
    };
    const double r = sigma(from_x(0) + from_h(0)), z = sigma(from_x(1) + from_h(1));
    return (1 - z) * std::tanh(from_x(2) + r * from_h(2)) + z * double(test::at(h, at));
  });
  CHECK(difference(y, expected) < tolerance<T>);
}

TEST_CASE("parameters of cells have PyTorch's names and first values within ±1/√hidden") {
  const Module<LstmCell<3, 16>, double> cell{Rng{1}};
  CHECK(names(cell) == std::vector<std::string>{"weight_ih", "weight_hh", "bias_ih", "bias_hh"});
  CHECK(cell->weight_ih.shape() == Shape{3, 64});
  CHECK(cell->weight_ih.layout == WeightLayout::linear);
  double largest = 0;
  for (const double p : cell.parameters()) largest = std::max(largest, std::abs(p));
  CHECK(largest <= 0.25);
  CHECK(largest > 0.24);
}

TEST_CASE_TEMPLATE("gradients of every cell over two steps agree with difference quotients", C, RnnCell<2, 3>,
                   LstmCell<2, 3>, GruCell<2, 3>) {
  test::check_cell_gradients<C>({2, 2});
}
