// SPDX-License-Identifier: MIT
#pragma once

// What the tests of the CUDA backend hold it against: the same computation on the CPU in double, from the same inputs.
//
//   CHECK(disagreement<T>([](const auto& a, const auto& b) { return a * b; }, a, b) < device_tolerance<T>);

#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include <flipbook/nn/module.hpp>

#include "ops/tensors.hpp"

namespace flipbook::test {

/// How far a result in T on the device may be from the CPU's in double, relative to its largest element, after a few
/// dozen roundings.
template <class T>
inline constexpr double device_tolerance = std::is_same_v<T, double>  ? 1e-13
                                           : std::is_same_v<T, float> ? 1e-5
                                           : std::is_same_v<T, half>  ? 4e-3
                                                                      : 3e-2;

/// The same numbers rounded to U.
template <class U, class T>
Tensor<U> converted(const Tensor<T>& x) {
  Tensor<U> y(x.shape());
  for (Index i = 0; i < x.size(); ++i) y.data()[i] = static_cast<U>(static_cast<double>(x.data()[i]));
  return y;
}

namespace detail {

// An input as T sees it, in double; indices as they are.
template <class T, class U>
auto as_seen(const Tensor<U>& x) {
  if constexpr (Real<U>) return converted<double>(converted<T>(x));
  else return x;
}
template <class T, class U>
auto on_device(const Tensor<U>& x) {
  if constexpr (Real<U>) return to<Cuda>(converted<T>(x));
  else return to<Cuda>(x);
}

// The largest difference between results: tensors, or tuples of them.
template <class X, class Y>
double apart(const X& on_cpu, const Y& on_device) {
  if constexpr (is_tensor<X>) {
    const auto here = to<Cpu>(on_device);
    if constexpr (Real<typename X::Scalar>) return difference(converted<double>(here), converted<double>(on_cpu));
    else return same(here, on_cpu) ? 0 : std::numeric_limits<double>::infinity();
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::max({0.0, apart(std::get<I>(on_cpu), std::get<I>(on_device))...});
    }
    (std::make_index_sequence<std::tuple_size_v<X>>{});
  }
}

// The gradients of f(x…), projected to a number by the same random weights on every backend, by all of x.
template <class F, class... X>
auto gradients_of(const F& f, const X&... x) {
  Tape tape{Rng{7}};
  const std::tuple variables{tape.variable(x)...};
  const auto y = std::apply(f, variables);
  using Y = std::remove_cvref_t<decltype(y)>;
  Rng rng{0x5eed};
  const auto weights = converted<typename Y::Scalar>(normal<double>(y.shape(), rng));
  const auto loss = sum(y * to<typename Y::Backend>(weights));
  return std::apply([&](const auto&... v) { return std::tuple{tape.gradient(loss, v, {.retain_graph = true})...}; },
                    variables);
}

// What a module gives for x, and the gradients of it by x and by all parameters.
template <class M, class X, class F>
auto results_of(const M& module, const F& f, const X& x) {
  Tape tape{module, Rng{7}};
  const auto v = tape.variable(x);
  const auto y = f(module, v);
  using Y = std::remove_cvref_t<decltype(y)>;
  Rng rng{0x5eed};
  const auto weights = converted<typename Y::Scalar>(normal<double>(y.shape(), rng));
  const auto loss = sum(y * to<typename Y::Backend>(weights));
  auto by_x = tape.gradient(loss, v, {.retain_graph = true});
  auto by_parameters = tape.gradient(loss, module);
  tape.apply_updates();
  return std::tuple{y.value(), by_x, by_parameters, module.buffers().clone()};
}

}  // namespace detail

/// How far f(x…) in T on the device is from it in double on the CPU. `f` takes tensors and gives one, or a tuple of
/// them; x are tensors on the CPU: real ones are first rounded to T, indices stay as they are.
template <class T, class F, class... U>
double disagreement(const F& f, const Tensor<U>&... x) {
  return detail::apart(f(detail::as_seen<T>(x)...), f(detail::on_device<T>(x)...));
}

/// The same for the gradients of a random projection of f(x…), by all of x; `f` takes variables.
template <class T, class F, class... U>
double gradient_disagreement(const F& f, const Tensor<U>&... x) {
  return detail::apart(detail::gradients_of(f, detail::as_seen<T>(x)...),
                       detail::gradients_of(f, detail::on_device<T>(x)...));
}

/// The same for a network's output f(module, x) in training, its gradients by x and by all parameters, and its buffers
/// after the step.
template <class T, class Net, class F>
double module_disagreement(const F& f, const Tensor<double>& x, std::uint64_t seed = 1) {
  Module<Net, double> here{Rng{seed}};
  Module<Net, T, Cuda> there{Rng{seed}};
  const auto set = [](Tensor<double> on_cpu, Tensor<T, Cuda> on_device) {  // both to what T can hold
    const Tensor<T> rounded = converted<T>(on_cpu);
    if (on_cpu.size() == 0) return;
    Cuda::copy(on_device.data(), rounded.data(), static_cast<std::size_t>(rounded.size()) * sizeof(T));
    std::copy_n(converted<double>(rounded).data(), on_cpu.size(), on_cpu.data());
  };
  set(here.parameters(), there.parameters());
  set(here.buffers(), there.buffers());
  return detail::apart(detail::results_of(here, f, detail::as_seen<T>(x)),
                       detail::results_of(there, f, detail::on_device<T>(x)));
}
template <class T, class Net>
double module_disagreement(const Tensor<double>& x, std::uint64_t seed = 1) {
  return module_disagreement<T, Net>([](const auto& module, const auto& v) { return module(v); }, x, seed);
}

}  // namespace flipbook::test
