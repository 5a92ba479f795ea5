// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/sampling.hpp>
#include <flipbook/models/tokens/guidance.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/quantizer/scales.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The network of a NextScale.
namespace next_scale {

/// A network whose Instance predicts the logits of all tokens of a scale from those of coarser scales: an argument of a
/// NextScale's type, such as ScaleTransformer.
///
///     static constexpr int tokens     number of predicted tokens: 0 … tokens − 1
///     static constexpr int given      number of further tokens, which are given and never predicted
///     static constexpr int null_class the token of the null class, if given > 1
///     using ScalesOf                  the scales, quantizer::Scales<…>
///     Tensor<T, B> operator()(const Indices& tokens) const    (N, 1 + L) → (N, L, tokens), of as many scales
///     Variable<T, B> of_known(Tape& tape, const Indices& tokens) const    without checks on the host
///     State                                                   the state after the scales so far
///     Tensor<T, B> next(const Indices& tokens, State& state) const        of the next scale, after tokens of the last
template <class N>
concept Network = requires(const Of<N, float, Cpu>& network, const Tensor<std::int32_t>& tokens, Tape& tape,
                           typename Of<N, float, Cpu>::State& state) {
  requires N::tokens >
  0 && N::given >= 0 && quantizer::OfScales<N>;
  requires flipbook::detail::HasNullClass<N> || N::given <= 1;
  { network(tokens) } -> std::same_as<Tensor<float>>;
  { network.of_known(tape, tokens) } -> std::same_as<Variable<float>>;
  { network.next(tokens, state) } -> std::same_as<Tensor<float>>;
};

}  // namespace next_scale

/// A model of visual tokens of several scales that predicts one whole scale after another, from coarse to fine:
///
///     log p(r) = Σ_k log p(r_k | r_<k, c₀),      log p(r_k | …) = Σ_i log p(r_{k,i} | r_<k, c₀)
///
/// The tokens of a scale are independent of each other given the coarser ones, so a clip takes one pass for each scale.
/// The first token of a sequence is given; if it is that of a class, training sometimes replaces it by the null class,
/// for classifier-free guidance in sampling. Sequences may end after any scale. Tian et al., Visual autoregressive
/// modeling: scalable image generation via next-scale prediction, 2024. Parameters: network.
template <next_scale::Network Network>
struct NextScale {
  using ScalesOf = typename Network::ScalesOf;
  static constexpr int tokens = Network::tokens, given = Network::given, context = ScalesOf::length;
  static constexpr bool of_classes = given > 1;
  static constexpr int null_class = flipbook::detail::null_class_of<Network>();  ///< −1 without classes
  using Distribution = likelihood::Categorical<tokens>;
  using Sampling = likelihood::Sampling;

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;  // (N, 1 + L)

    Of<Network, T, B> network;

    double condition_dropout = 0.1;  ///< the probability that training replaces a class by the null class

    explicit Instance(Rng& rng) : network(rng) {}
    static void fields(auto& self, auto&& field) {
      field("network", self.network);
      if constexpr (of_classes) field("condition_dropout", self.condition_dropout);
    }

    /// Σ_k log p(r_k | r_<k), in nats: (N).
    /// @throws Error  if the tokens are not a given one and those of whole scales, or not in the vocabulary
    Tensor<T, B> log_likelihood(const Indices& tokens) const {
      return Distribution::log_prob(network(tokens), all_but_first(tokens));
    }
    /// The training loss: −log p in nats per token, averaged over the sequences.
    /// @throws Error  if the tokens are not a given one and those of whole scales, or not in the vocabulary
    Variable<T, B> loss(Tape& tape, const Indices& tokens) const {
      flipbook::detail::require_indices("NextScale", slice(tokens, 1, 0, 1), NextScale::tokens + given);
      flipbook::detail::require_indices("NextScale", all_but_first(tokens), NextScale::tokens);
      return loss_of_known(tape, tokens);
    }
    /// The same for tokens that are known to be in the vocabulary, such as a quantizer's codes: they are not checked on
    /// the host, so a device can capture the step.
    Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const {
      Indices seen = tokens;
      if constexpr (of_classes) {
        seen = flipbook::detail::classes_dropped<Wide<T>>(tokens, null_class, condition_dropout, tape.rng());
      }
      const auto logits = network.of_known(tape, seen);  // (N, L, tokens)
      return -mean(apply(TakeAlongAxis<B>{all_but_first(tokens)}, log_softmax(logits)));
    }

    /// The tokens of the next scales after a prefix of whole scales (N, 1 + l), each drawn from p(r_k | r_<k):
    /// (N, count).
    /// @throws Error  unless both l and l + count are the positions of whole scales, or if there is guidance without
    ///                classes
    Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how = {}) const {
      const Index known = prefix.rank() == 2 ? prefix.extent(1) - 1 : -1;
      const int scales = ScalesOf::with_places(known + count);
      require(known >= 0 && count > 0 && scales > 0 && (known == 0 || ScalesOf::with_places(known) > 0),
              "NextScale: ", count, " tokens after ", prefix.shape(), "; needs those of whole scales, ", context,
              " in all");
      flipbook::detail::require_guidance("NextScale", how.guidance, of_classes);
      const bool guide = how.guidance != 0;
      typename Of<Network, T, B>::State state{};
      Indices last = slice(prefix, 1, 0, 1), seen = last;  // (N, l), and (2N, l) with guidance
      if (guide) seen = flipbook::detail::and_of_null_class(last, null_class);
      List<Indices> drawn;  // (N, l) of each scale
      for (int k = 0; k < scales; ++k) {
        const auto each = network.next(seen, state);  // (N, l, tokens), or (2N, …)
        const auto logits = guide ? flipbook::detail::guided(each, how.guidance) : each;  // (N, l, tokens)
        const Index end = 1 + ScalesOf::places_of_first(k + 1);
        if (end <= prefix.extent(1)) {
          last = slice(prefix, 1, end - ScalesOf::places(k), end);
        } else {
          last = sample_categorical(likelihood::truncated(logits, how), rng);
          drawn.push_back(last);
        }
        seen = guide ? concat(0, last, last) : last;
      }
      return concat(1, drawn);
    }

   private:
    static Indices all_but_first(const Indices& tokens) {
      require(tokens.rank() == 2 && tokens.extent(1) >= 2, "NextScale: needs (N, 1 + L) of at least two tokens, got ",
              tokens.shape());
      return slice(tokens, 1, 1, tokens.extent(1));
    }
  };
};

}  // namespace flipbook
