// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/ops/elementwise/binary.hpp>

/// Latent variables of variational models.
namespace flipbook::inline FLIPBOOK_ISA::latent {

/// The prior and posterior of a latent variable z: an argument of a model's type, such as DiagonalGaussian. It has
/// these static members, for values X, which are tensors or variables:
///
///     static constexpr int size, parameters    channels of z; channels of the encoder's output
///     posterior(const X& encoded)              q(z|x), with a member `mean` (N, …, size), from (N, …, parameters)
///     X sample(q, Rng&)                        a sample z (N, …, size) that passes gradients to q
///     X sample(q)                              the same of variables, with the tape's random numbers
///     X kl_elements(q)                         KL(q ‖ p) of each independent variable, in nats: (N, …, V), where
///                                              V ≤ size; less if a variable has several channels (one-hot)
///     Tensor<T, B> prior_sample<T, B>(Index n, Rng&)    samples of the prior: (n, size)
///
/// A Vae's bounds on log p(x) also require `kl(q)`, `log_prob(q, z)` and `prior_log_prob(z)`, (N) each, but only if
/// they are called.
template <class L>
concept Latent = requires(const Tensor<float>& x, const Variable<float>& v, Index n, Rng& rng) {
  { L::size } -> std::convertible_to<int>;
  { L::parameters } -> std::convertible_to<int>;
  { L::posterior(x).mean } -> std::convertible_to<Tensor<float>>;
  { L::sample(L::posterior(x), rng) } -> std::same_as<Tensor<float>>;
  { L::sample(L::posterior(v)) } -> std::same_as<Variable<float>>;
  { L::kl_elements(L::posterior(x)) } -> std::same_as<Tensor<float>>;
  { L::template prior_sample<float, Cpu>(n, rng) } -> std::same_as<Tensor<float>>;
};

/// A latent whose prior may be learned: it also has `kl_elements(q, p)`, the divergence of two distributions.
template <class L>
concept LearnedPrior = Latent<L> && requires(const Tensor<float>& x) {
  { L::kl_elements(L::posterior(x), L::posterior(x)) } -> std::same_as<Tensor<float>>;
};

}  // namespace flipbook::latent
