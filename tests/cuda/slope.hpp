// SPDX-License-Identifier: MIT
#pragma once

#include "agree.hpp"

namespace flipbook::test {

/// The gradient of loss(model, tape) by all parameters, on a backend, and the loss.
template <class T, class Net, class B, class Loss>
std::pair<double, Tensor<T>> slope(B, const Loss& loss) {
  const Module<Net, T, B> model{Rng{1}};
  Tape tape{model, Rng{2}};
  const auto value = loss(model, tape);
  const auto number = static_cast<double>(value.item());
  return {number, to<Cpu>(tape.gradient(value, model))};
}
template <class T, class Net, class Loss>
void check_gradient(const Loss& loss, double times = 1) {
  const auto [here, by_here] = slope<double, Net>(Cpu{}, loss);
  const auto [there, by_there] = slope<T, Net>(Cuda{}, loss);
  CHECK(there == doctest::Approx(here).epsilon(times * device_tolerance<T>));
  CHECK(difference(converted<double>(by_there), by_here) < times * device_tolerance<T>);
}

template <class M>
using On = typename std::remove_cvref_t<M>::Backend;
/// Data as a model on its backend takes it.
template <class M>
auto data_of(const M&, const Tensor<double>& x) {
  return to<On<M>>(converted<typename M::Scalar>(x));
}

}  // namespace flipbook::test
