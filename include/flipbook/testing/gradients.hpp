// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include <flipbook/autodiff/tape.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

// The largest difference between two gradients, divided by their largest element, or by 1e-3 if that is larger.
inline double relative_difference(const Tensor<double>& a, const Tensor<double>& b) {
  double difference = 0, size = 1e-3;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = a.data()[i], y = b.data()[i];
    if (!std::isfinite(x) || !std::isfinite(y)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(x - y));
    size = std::max({size, std::abs(x), std::abs(y)});
  }
  return difference / size;
}

// The central difference quotient of `f()` for every element of x, which is changed and restored.
template <class F>
Tensor<double> difference_quotient(const F& f, Tensor<double>& x, double step) {
  Tensor<double> quotient(x.shape());
  for (Index i = 0; i < x.size(); ++i) {
    double& element = x.data()[i];
    const double before = element;
    element = before + step;
    const double above = f();
    element = before - step;
    const double below = f();
    element = before;
    quotient.data()[i] = (above - below) / (2 * step);
  }
  return quotient;
}

// Reduces a value to a single number: its product with fixed random weights, so that errors in different elements do
// not cancel.
template <Value X>
auto projected(const X& y) {
  Rng rng{0x5eed};
  return sum(y * normal<double>(y.shape(), rng));
}

}  // namespace detail

/// The error of the recorded gradient of `f` compared with difference quotients: the largest error over all inputs,
/// relative to the largest gradient. `f` takes values and returns one; it runs in training mode, with the same random
/// numbers every time. About 1e-8 for a correct gradient of a smooth function.
///
///     CHECK(fb::gradient_error([](const auto& x, const auto& w) { return fb::matmul(x, w); }, x, w) < 1e-7);
template <Order order = Order::first, class F, class... X>
double gradient_error(const F& f, const X&... x) {
  std::tuple inputs{x.clone()...};
  const auto value = [&] {
    Tape tape{Rng{7}};
    return std::apply([&](const auto&... v) { return detail::projected(f(tape.lift<order>(v)...)).item(); }, inputs);
  };
  double worst = 0;
  const auto one = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    Tape tape{Rng{7}};
    auto variables = std::apply([&](const auto&... v) { return std::tuple{tape.variable<order>(v)...}; }, inputs);
    const auto y = std::apply([&](const auto&... v) { return detail::projected(f(v...)); }, variables);
    const Tensor<double> gradient = tape.gradient(y, std::get<I>(variables));
    const auto quotient = detail::difference_quotient(value, std::get<I>(inputs), 1e-5);
    worst = std::max(worst, detail::relative_difference(gradient, quotient));
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) { (one(std::integral_constant<std::size_t, I>{}), ...); }
  (std::index_sequence_for<X...>{});
  return worst;
}

/// The error of the second gradient of `f`: `gradient_error` of a random projection of all its first gradients.
template <class F, class... X>
double second_gradient_error(const F& f, const X&... x) {
  const auto first_gradients = [&f](const auto&... v) {
    Tape& tape = std::get<0>(std::tie(v...)).tape();
    // Separate leaves, so that the gradient can be requested if an input is a constant.
    const std::tuple leaves{(v.recorded() ? v : tape.variable<Order::higher>(v.value()))...};
    const auto y = std::apply([&](const auto&... leaf) { return detail::projected(f(leaf...)); }, leaves);
    return std::apply([&](const auto&... leaf) { return (detail::projected(tape.recorded_gradient(y, leaf)) + ...); },
                      leaves);
  };
  return gradient_error<Order::higher>(first_gradients, x...);
}

/// The error of the gradient with respect to all parameters of a module; `f(tape)` runs it on constants of the tape and
/// returns a value.
template <class M, class F>
double parameter_gradient_error(M& module, const F& f) {
  const auto value = [&] {
    Tape tape{Rng{7}};
    return detail::projected(f(tape)).item();
  };
  Tape tape{module, Rng{7}};
  const Tensor<double> gradient = tape.gradient(detail::projected(f(tape)), module);
  Tensor<double> parameters = module.parameters();
  return detail::relative_difference(gradient, detail::difference_quotient(value, parameters, 1e-5));
}

}  // namespace flipbook
