// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/nn/module.hpp>
#include <flipbook/train/training.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A model of numbers of any range, such as the latents of an autoencoder: an argument of InLatents, such as a Flow of
/// flow::Range::unbounded.
///
///     static constexpr int in               channels of z
///     static constexpr bool unit_interval   false
///     Sampling                              the type of how it draws, which can be made of nothing
///     Instance<T, B>                        with parameters, and
///         Variable<T, B> loss(const Variable<T, B>& z) const
///             what training minimises, a single number, of z (N, …, in); of an annotated clip, where it names one as
///             its Batch
///         Tensor<T, B> sample(const Shape& shape, Rng& rng, const Sampling& how) const
///             new z of a shape (N, …, in)
///
/// One that continues z (N, t, …, in) in time also has `sample(z, frames, rng, how)`, the next (N, frames, …, in), and
/// one that takes a condition takes it as a last argument of either; both are looked for where one calls them.
template <class P>
concept LatentPrior = LossModel<P, float, Cpu> &&
    requires(const Of<P, float, Cpu>& prior, const Shape& shape, Rng& rng, const typename P::Sampling& how) {
  { P::in } -> std::convertible_to<int>;
  requires !P::unit_interval;
  requires std::default_initializable<typename P::Sampling>;
  { prior.sample(shape, rng, how) } -> std::same_as<Tensor<float>>;
};

}  // namespace flipbook
