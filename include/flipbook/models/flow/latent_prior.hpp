// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/nn/module.hpp>
#include <flipbook/train/training.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A model of unbounded values, such as the latents of an autoencoder: an argument of InLatents, such as a Flow with
/// flow::Range::unbounded.
///
///     static constexpr int in               channels of z
///     static constexpr bool unit_interval   false
///     Sampling                              the settings of its sampling, default-constructible
///     Instance<T, B>                        with parameters, and
///         Variable<T, B> loss(const Variable<T, B>& z) const
///             the training loss, a single number, for z (N, …, in), or for an annotated clip of z if its Batch is one
///         Tensor<T, B> sample(const Shape& shape, Rng& rng, const Sampling& how) const
///             new z of a shape (N, …, in)
///
/// A prior that continues z (N, t, …, in) in time also has `sample(z, frames, rng, how)` → the next (N, frames, …, in).
/// A condition is the last argument of both functions. These are checked only where they are called.
template <class P>
concept LatentPrior = LossModel<P, float, Cpu> &&
    requires(const Of<P, float, Cpu>& prior, const Shape& shape, Rng& rng, const typename P::Sampling& how) {
  { P::in } -> std::convertible_to<int>;
  requires !P::unit_interval;
  requires std::default_initializable<typename P::Sampling>;
  { prior.sample(shape, rng, how) } -> std::same_as<Tensor<float>>;
};

}  // namespace flipbook
