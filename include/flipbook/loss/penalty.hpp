// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

/// Penalties on the slope of a discriminator, added to its loss. The slope is itself recorded, so that their
/// gradients are exact. A sample's slope must be its own: normalisation over the batch has no place in such
/// a discriminator.
namespace flipbook::inline FLIPBOOK_ISA::loss {

namespace detail {

/// ‖∇ₓ D(x)‖² of each sample, recorded: (N). The logits of a sample, where there are several, are summed.
template <class Discriminator, Real T, class B>
auto squared_slope(Tape& tape, const Discriminator& discriminator, const Tensor<T, B>& points) {
  const auto x = tape.variable<Order::higher>(points);                                        // (N, …)
  const auto slope = tape.recorded_gradient(sum(discriminator(x)), x);                        // (N, …)
  return sum(square(reshape(slope, Shape{x.extent(0), x.size() / x.extent(0)})), {1}, true);  // (N)
}

}  // namespace detail

/// weight · E (‖∇ D(x̂)‖ − 1)² at x̂ = u·x + (1 − u)·G(z), with one u of each pair, uniform on [0, 1), drawn from
/// the tape's stream. Gulrajani et al., Improved training of Wasserstein GANs, 2017.
/// @param discriminator  a callable of variables, such as a module whose parameters the tape watches
/// @param real, fake     (N, …), of one shape; constants to the penalty
/// @throws Error  if their shapes differ or hold no samples
template <class Discriminator, Value R, Value F>
auto gradient_penalty(Tape& tape, const Discriminator& discriminator, const R& real, const F& fake,
                      double weight = 10) {
  require(real.shape() == fake.shape() && real.rank() > 0 && real.size() > 0,
          "gradient_penalty: needs samples of one shape, got ", real.shape(), " and ", fake.shape());
  using T = typename R::Scalar;
  using B = typename R::Backend;
  Shape per_sample = Shape::filled(real.rank(), 1);
  per_sample[0] = real.extent(0);
  const auto u = uniform<T, B>(per_sample, tape.rng());                  // (N, 1, …)
  const auto between = u * tensor_of(real) + (1 - u) * tensor_of(fake);  // (N, …)
  // A slope of exactly zero would have no direction; 1e-16 is lost in any slope beyond 1e-4.
  const auto norm = sqrt(detail::squared_slope(tape, discriminator, between) + 1e-16);  // (N)
  return weight * mean(square(norm - 1));
}

/// γ/2 · E ‖∇ D(x)‖² at the data. Mescheder et al., Which training methods for GANs do actually converge, 2018.
/// @throws Error  if `real` holds no samples
template <class Discriminator, Value R>
auto r1(Tape& tape, const Discriminator& discriminator, const R& real, double gamma = 10) {
  require(real.rank() > 0 && real.size() > 0, "r1: needs samples, got shape ", real.shape());
  return (gamma / 2) * mean(detail::squared_slope(tape, discriminator, tensor_of(real)));
}

}  // namespace flipbook::loss
