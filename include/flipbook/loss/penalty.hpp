// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

/// Penalties on the gradient of a discriminator with respect to its input, added to its loss. This gradient is itself
/// recorded, so the penalty's gradients are exact. Each sample's gradient must be independent of the other samples: the
/// discriminator must not normalise over the batch.
namespace flipbook::inline FLIPBOOK_ISA::loss {

namespace detail {

/// ‖∇ₓ D(x)‖² of each sample, recorded: (N). If a sample has several logits, they are summed.
template <class Discriminator, Real T, class B>
auto squared_slope(Tape& tape, const Discriminator& discriminator, const Tensor<T, B>& points) {
  const auto x = tape.variable<Order::higher>(points);                                        // (N, …)
  const auto slope = tape.recorded_gradient(sum(discriminator(x)), x);                        // (N, …)
  return sum(square(reshape(slope, Shape{x.extent(0), x.size() / x.extent(0)})), {1}, true);  // (N)
}

}  // namespace detail

/// weight · E (‖∇ D(x̂)‖ − 1)² at x̂ = u·x + (1 − u)·G(z), with one u per pair, uniform on [0, 1), drawn from the
/// tape's random numbers. Gulrajani et al., Improved training of Wasserstein GANs, 2017.
/// @param discriminator  a callable of variables, such as a module whose parameters the tape watches
/// @param real, fake     (N, …), of one shape; constants to the penalty
/// @throws Error  if the shapes of real and fake differ or are empty
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
  // The norm has no gradient at zero; 1e-16 is lost in rounding for any norm above 1e-4.
  const auto norm = sqrt(detail::squared_slope(tape, discriminator, between) + 1e-16);  // (N)
  return weight * mean(square(norm - 1));
}

/// γ/2 · E ‖∇ D(x)‖² at the data. Mescheder et al., Which training methods for GANs do actually converge, 2018.
/// @throws Error  if `real` is empty
template <class Discriminator, Value R>
auto r1(Tape& tape, const Discriminator& discriminator, const R& real, double gamma = 10) {
  require(real.rank() > 0 && real.size() > 0, "r1: needs samples, got shape ", real.shape());
  return (gamma / 2) * mean(detail::squared_slope(tape, discriminator, tensor_of(real)));
}

}  // namespace flipbook::loss
