// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <limits>

#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA::likelihood {

/// The distribution of data given a network's output: an argument of a model's type, such as Bernoulli.
///
///     static constexpr int parameters_per_channel    channels of the network's output for each channel of the data
///     Instance<T, B>                                 the object with these functions, often the type itself; the
///                                                    parameters P are a tensor or a variable:
///         P mean(const P& parameters)    E x
///         Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng& rng)    data drawn from p
///         log_prob(const P& parameters, const X& x)    log p(x), in nats, summed over all axes but the first: (N)
///
/// `parameters` are (N, …, C · parameters_per_channel) for data (N, …, C): logits, means and log-scales, any finite
/// numbers. `log_prob` is checked where a model calls it (HasLogProb), since its return type is often deduced.
template <class L>
concept Likelihood = requires {
  { L::parameters_per_channel } -> std::convertible_to<int>;
  typename L::template Instance<float, Cpu>;
}
&&requires(const typename L::template Instance<float, Cpu>& instance, const Tensor<float>& parameters, Rng& rng) {
  { instance.mean(parameters) } -> std::same_as<Tensor<float>>;
  { instance.sample(parameters, rng) } -> std::same_as<Tensor<float>>;
};

/// The likelihood's instance has `log_prob` for parameters P and data X.
template <class Instance, class P, class X>
concept HasLogProb = requires(const Instance& instance, const P& parameters, const X& x) {
  { instance.log_prob(parameters, x) } -> Value;
};

/// Whether L is a likelihood of data in [0, 1], declared by `static constexpr bool unit_interval = true`.
template <class L>
inline constexpr bool unit_interval = requires {
  requires L::unit_interval;
};

namespace detail {

/// The lower bound of log-scales. Without it, the density of data that a network predicts exactly is unbounded.
/// Salimans et al., 2017.
inline constexpr double least_log_scale = -7;

template <Value S>
S floored(const S& log_scale) {
  return clamp(log_scale, least_log_scale, std::numeric_limits<double>::infinity());
}

inline void check_shapes(const char* name, const Shape& parameters, const Shape& x, Index per_channel) {
  require(x.rank() > 0 && parameters == x.with_tail(1, {per_channel * x[-1]}), name, ": parameters of shape ",
          parameters, " for data of shape ", x, "; needs ", per_channel, " for each channel");
}

/// Splits the channels into `count` parts of equal size.
template <Value P>
auto parts(const char* name, const P& parameters, Index count) {
  require(parameters.rank() > 0 && parameters.extent(-1) % count == 0, name, ": parameters of shape ",
          parameters.shape(), "; the last extent must be a multiple of ", count);
  return split(parameters, -1, count);
}

}  // namespace detail
}  // namespace flipbook::likelihood
