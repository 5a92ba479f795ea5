// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <flipbook/nn/module.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A model of sequences of tokens, such as the codes of a quantizer: an argument of InLatents, such as TokenTransformer
/// or Masked. Sequences begin with a token that is given and never predicted, one to begin with or that of a class.
///
///     static constexpr int tokens     how many there are to predict: 0 … tokens − 1
///     static constexpr int given      how many more there are, tokens … tokens + given − 1, to begin with
///     static constexpr int context    how many tokens follow the first, at most
///     static constexpr int null_class the token of the null class, where several are given, which are classes; it may
///                                     be missing
///     Sampling                        the type of how it draws, which can be made of nothing
///     Instance<T, B>                  with parameters, and of tokens (N, L), Tensor<std::int32_t, B>:
///         Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const
///             what training minimises, a single number, of sequences (N, 1 + L). The tokens are known to be of the
///             vocabulary: no device is asked, so that it may capture the step
///         Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how) const
///             the next `count` tokens, (N, count), after a prefix (N, L), L ≥ 1, of which the first is given
///
/// One that knows how likely tokens are also has `Tensor<T, B> log_likelihood(const Indices& tokens) const`, (N), in
/// nats, which is looked for where one calls it.
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
