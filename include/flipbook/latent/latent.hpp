// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/ops/elementwise/binary.hpp>

/// What a variational model says of its hidden causes.
namespace flipbook::inline FLIPBOOK_ISA::latent {

/// What the hidden causes z of data are, a priori and given data: an argument of a model's type, such as
/// DiagonalGaussian. Of static functions of values X, which are tensors or variables, it has
///
///     static constexpr int size, parameters    numbers in z; numbers that an encoder gives for them
///     posterior(const X& encoded)              q(z|x), with a member `mean` (N, …, size), from (N, …, parameters)
///     X sample(q, Rng&)                        z (N, …, size) drawn from it, so that gradients reach q
///     X sample(q)                              of variables, with random numbers of their tape
///     X kl_elements(q)                         KL(q ‖ p) of each independent variable, in nats: (N, …, V), where
///                                              V is size, or less where a variable takes several numbers (one-hot)
///     Tensor<T, B> prior_sample<T, B>(Index n, Rng&)    drawn a priori: (n, size)
///
/// A Vae's bounds on log p(x) also take `kl(q)`, `log_prob(q, z)` and `prior_log_prob(z)`, (N) each, which are looked
/// for where one calls them.
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

/// A latent whose prior may be learned: it also says how far one distribution is from another, `kl_elements(q, p)`.
template <class L>
concept LearnedPrior = Latent<L> && requires(const Tensor<float>& x) {
  { L::kl_elements(L::posterior(x), L::posterior(x)) } -> std::same_as<Tensor<float>>;
};

}  // namespace flipbook::latent
