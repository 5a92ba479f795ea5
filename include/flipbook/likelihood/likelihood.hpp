#pragma once

#include <limits>

#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/reduce/per_sample.hpp>
#include <flipbook/ops/shape/join.hpp>

/// How likely data are under what a network says of them. A likelihood is a type, an argument of a model's type:
///
///     static constexpr int parameters_per_channel    numbers that the network gives for each channel of the data
///     Instance<T, B>                                 the object that answers, often the type itself:
///         log_prob(parameters, x)    log p(x), in nats, summed over all axes but the first: (N)
///         sample(parameters, rng)    data drawn from p, as tensors
///         mean(parameters)           E x
///
/// `parameters` are (N, …, C · parameters_per_channel) for data (N, …, C): logits, means and log-scales, which may
/// be any finite number.
namespace flipbook::inline FLIPBOOK_ISA::likelihood {

/// Whether L is a likelihood of data in [0, 1], which says so by `static constexpr bool unit_interval = true`.
template <class L>
inline constexpr bool unit_interval = requires { requires L::unit_interval; };

namespace detail {

/// The floor of log-scales: without one, the density of data that a network hits exactly has no bound. Salimans et
/// al., 2017.
inline constexpr double least_log_scale = -7;

template <Value S>
S floored(const S& log_scale) {
  return clamp(log_scale, least_log_scale, std::numeric_limits<double>::infinity());
}

inline void check_shapes(const char* name, const Shape& parameters, const Shape& x, Index per_channel) {
  require(x.rank() > 0 && parameters == x.with_tail(1, {per_channel * x[-1]}), name, ": parameters of shape ",
          parameters, " for data of shape ", x, "; needs ", per_channel, " for each channel");
}

/// Parts of equal size along the channel axis.
template <Value P>
auto parts(const char* name, const P& parameters, Index count) {
  require(parameters.rank() > 0 && parameters.extent(-1) % count == 0, name, ": parameters of shape ",
          parameters.shape(), "; the last extent must be a multiple of ", count);
  return split(parameters, -1, count);
}

}  // namespace detail
}  // namespace flipbook::likelihood
