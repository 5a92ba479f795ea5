// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <flipbook/nn/module.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A model of sequences of tokens, such as the codes of a quantizer: an argument of InLatents, such as TokenTransformer
/// or Masked. Sequences begin with a token that is given and never predicted: a start token, or that of a class.
///
///     static constexpr int tokens     number of predicted tokens: 0 … tokens − 1
///     static constexpr int given      number of given tokens: tokens … tokens + given − 1
///     static constexpr int context    the largest number of tokens after the first
///     static constexpr int null_class the token of the null class, if given > 1; optional
///     Sampling                        the settings of its sampling, default-constructible
///     Instance<T, B>                  with parameters, and for tokens (N, L), Tensor<std::int32_t, B>:
///         Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const
///             the training loss, a single number, of sequences (N, 1 + L). The tokens are known to be in the
///             vocabulary: they are not checked on the host, so a device can capture the step
///         Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how) const
///             the next `count` tokens, (N, count), after a prefix (N, L), L ≥ 1, of which the first is given
///
/// A prior with a likelihood also has `Tensor<T, B> log_likelihood(const Indices& tokens) const`, (N), in nats, which
/// is checked only where it is called.
template <class P>
concept TokenPrior = requires(const Of<P, float, Cpu>& prior, Tape& tape, const Tensor<std::int32_t>& tokens,
                              Index count, Rng& rng, const typename P::Sampling& how) {
  { P::tokens } -> std::convertible_to<int>;
  { P::given } -> std::convertible_to<int>;
  { P::context } -> std::convertible_to<int>;
  requires std::default_initializable<typename P::Sampling>;
  { prior.loss_of_known(tape, tokens) } -> std::same_as<Variable<float>>;
  { prior.sample(tokens, count, rng, how) } -> std::same_as<Tensor<std::int32_t>>;
};

}  // namespace flipbook
