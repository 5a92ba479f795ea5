// SPDX-License-Identifier: MIT
#include <flipbook/nn/activation.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <flipbook/nn/module.hpp>
#include <flipbook/testing/gradients.hpp>

#include "../ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// Each activation's definition.
template <class L>
double definition(double x) {
  if constexpr (std::is_same_v<L, ReLU>) return std::max(x, 0.0);
  else if constexpr (std::is_same_v<L, ELU>) return x > 0 ? x : std::exp(x) - 1;
  else if constexpr (std::is_same_v<L, SiLU>) return x * logistic(x);
  else if constexpr (std::is_same_v<L, GELU>) return x * 0.5 * (1 + std::erf(x / std::numbers::sqrt2));
  else if constexpr (std::is_same_v<L, Sigmoid>) return logistic(x);
  else if constexpr (std::is_same_v<L, Tanh>) return std::tanh(x);
  else if constexpr (std::is_same_v<L, Softplus>) return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
  else if constexpr (std::is_same_v<L, LeakyReLU<>>) return x > 0 ? x : 0.01 * x;
  else return x > 0 ? x : 0.2 * x;
}

}  // namespace

TEST_CASE_TEMPLATE("an activation is its function of every element, in inference and in training", L, ReLU, ELU, SiLU,
                   GELU, Sigmoid, Tanh, Softplus, LeakyReLU<>, LeakyReLU<0.2>) {
  static_assert(L::in == any && L::out == any && L::dimensions == any && Activation<L>);
  const auto check = [](const auto& x) {
    using T = typename std::remove_cvref_t<decltype(x)>::Scalar;
    const Module<L, T> layer;
    CHECK(layer.parameters().size() == 0);
    const auto expected =
        tabulated<T>(x.shape(), [&](const Indices& i) { return definition<L>(static_cast<double>(at(x, i))); });
    CHECK(difference(layer(x), expected) < tolerance<T>);
    Tape tape;
    CHECK(same(layer(tape.constant(x)).value(), layer(x)));
  };
  check(random<float>({2, 3, 5, 7}));
  check(Tensor<float>({5}, {0, -0.0F, 30, -30, 1e-6F}));
  check(random<double>({17}));
}

TEST_CASE_TEMPLATE("an activation's gradient agrees with finite differences", L, ReLU, ELU, SiLU, GELU, Sigmoid, Tanh,
                   Softplus, LeakyReLU<0.2>) {
  const Module<L, double> layer;
  CHECK(gradient_error([&](const auto& v) { return layer(v); }, random<double>({3, 7})) < 1e-8);
}

TEST_CASE_TEMPLATE("a gated linear unit is the first half of the channels by the logistic function of the second", T,
                   float, double) {
  const auto x = random<T>({2, 3, 6});
  const Module<GLU<6>, T> layer;
  const auto expected = tabulated<T>({2, 3, 3}, [&](Indices i) {
    const double a = static_cast<double>(at(x, i));
    i[2] += 3;
    return a * logistic(static_cast<double>(at(x, i)));
  });
  CHECK(difference(layer(x), expected) < tolerance<T>);
  if constexpr (std::is_same_v<T, double>) {
    CHECK(gradient_error([&](const auto& v) { return layer(v); }, x) < 1e-8);
  }
}
