// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::test {

/// The same parameters for so many samples: (count, parameters).
template <class T>
Tensor<T> repeated(const std::vector<T>& parameters, Index count) {
  const auto width = static_cast<Index>(parameters.size());
  return broadcast_to(Tensor<T>({1, width}, std::span<const T>(parameters)), {count, width});
}

template <class T>
double total(const Tensor<T>& x) {
  double sum = 0;
  for (const T element : x) sum += static_cast<double>(element);
  return sum;
}

/// Σ exp(log p) over one-channel data (N, 1) that list every value, or a fine grid of them.
template <class T, class L, class X>
double mass(const L& likelihood, const std::vector<T>& parameters, const X& x) {
  const Tensor<T> log_prob = likelihood.log_prob(repeated(parameters, x.extent(0)), x);
  REQUIRE(log_prob.shape() == Shape{x.extent(0)});
  double sum = 0;
  for (const T l : log_prob) sum += std::exp(static_cast<double>(l));
  return sum;
}

/// Points in the middle of `count` equal parts of [low, high]: (count, 1).
template <class T>
Tensor<T> grid(double low, double high, Index count) {
  Tensor<T> x({count, 1});
  for (Index i = 0; i < count; ++i) {
    x.data()[i] = static_cast<T>(low + (high - low) * (static_cast<double>(i) + 0.5) / static_cast<double>(count));
  }
  return x;
}

/// That the average of 40,000 draws is within `errors` standard errors of the mean that the likelihood states, or
/// within `slack` more.
template <class T, class L>
void check_draws(const L& likelihood, const std::vector<T>& parameters, double slack = 0, double errors = 4) {
  constexpr Index count = 40'000;
  Rng rng{17};
  const auto x = likelihood.sample(repeated(parameters, count), rng);
  REQUIRE(x.shape() == Shape{count, 1});
  const auto stated = static_cast<double>(likelihood.mean(repeated(parameters, 1)).item());
  const double average = total(x) / count;
  double squares = 0;
  for (const auto element : x) squares += std::pow(static_cast<double>(element) - average, 2);
  const double deviation = std::sqrt(squares / count);
  CAPTURE(deviation);
  CHECK(std::abs(average - stated) <= errors * deviation / std::sqrt(count) + slack);
  CHECK(rng.position() > 0);
  Rng again{17};
  CHECK(to_vector(likelihood.sample(repeated(parameters, count), again)) == to_vector(x));
}

template <class T>
bool all_finite(const Tensor<T>& x) {
  return std::all_of(x.begin(), x.end(), [](T element) { return std::isfinite(element); });
}

}  // namespace flipbook::test
