// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/sampling.hpp>
#include <flipbook/models/tokens/guidance.hpp>
#include <flipbook/models/tokens/token_network.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A causal transformer over visual tokens, such as the codes of a quantised autoencoder, flattened in the order
/// time, height, width:
///
///     log p(x) = Σ_{t>1} log p(x_t | x_<t)       the first token is given
///
/// Several given tokens are class tokens, with which sequences begin; in training some sequences begin with the null
/// class instead, for classifier-free guidance in sampling. Yan et al., VideoGPT, 2021. Parameters: embed, position,
/// blocks.i, norm, head.
///
/// @tparam Given  number of further tokens, Tokens … Tokens + Given − 1, that are given but never predicted: a start
///                token, or one for each class, followed by that of the null class
template <int Tokens = 512, int Width = 256, int Layers = 4, int Heads = 8, int Context = 1024, int Given = 0>
struct TokenTransformer {
  static constexpr int tokens = Tokens, given = Given, context = Context;
  static constexpr bool of_classes = Given > 1;
  static constexpr int null_class = Tokens + Given;  ///< the token of the null class, if there are classes
  using Distribution = likelihood::Categorical<Tokens>;
  using Sampling = likelihood::Sampling;
  using Network =
      TokenNetwork<Tokens + Given + of_classes, Tokens, Width, Layers, Heads, Context, nn::TransformerOptions{}>;

  template <Real T, class B>
  struct Instance : Of<Network, T, B> {       // operator() returns the logits of the token after each
    using Indices = Tensor<std::int32_t, B>;  // (N, L)

    double condition_dropout = 0.1;  ///< the probability that training replaces a class by the null class

    explicit Instance(Rng& rng) : Of<Network, T, B>(rng) {}
    static void fields(auto& self, auto&& field) {
      Of<Network, T, B>::fields(self, field);
      if constexpr (of_classes) field("condition_dropout", self.condition_dropout);
    }

    /// Σ_{t>1} log p(x_t | x_<t), in nats: (N).
    Tensor<T, B> log_likelihood(const Indices& tokens) const {
      return Distribution::log_prob((*this)(all_but_last(tokens)), all_but_first(tokens));
    }
    /// The training loss: −log p in nats per token, averaged over the sequences.
    /// @throws Error  if a sequence has fewer than two tokens, or a token is not in the vocabulary
    Variable<T, B> loss(Tape& tape, const Indices& tokens) const {
      const Indices inputs = all_but_last(tokens), targets = all_but_first(tokens);
      flipbook::detail::require_indices("TokenTransformer", inputs, Tokens + Given);
      flipbook::detail::require_indices("TokenTransformer", targets, Tokens);
      return loss_of_known(tape, tokens);
    }
    /// The same for tokens that are known to be in the vocabulary, such as a quantizer's codes: they are not checked on
    /// the host, so a device can capture the step.
    Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const {
      Indices inputs = all_but_last(tokens);
      if constexpr (of_classes) {
        inputs = flipbook::detail::classes_dropped<Wide<T>>(inputs, null_class, condition_dropout, tape.rng());
      }
      const auto logits = this->of_known(tape, inputs);  // (N, L − 1, Tokens)
      const auto log_p = apply(TakeAlongAxis<B>{all_but_first(tokens)}, log_softmax(logits));
      return -mean(log_p);
    }

    /// The next tokens after a prefix (N, L), L ≥ 1, each drawn from p(x_t | x_<t): (N, count). Keys and values of
    /// earlier tokens are cached, so a step computes one token, or two with guidance.
    /// @throws Error  if there are more tokens than the context holds, or guidance without classes
    Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how = {}) const {
      require(prefix.rank() == 2 && prefix.extent(1) > 0 && count > 0 && prefix.extent(1) + count <= Context + 1,
              "TokenTransformer: ", count, " tokens after ", prefix.shape(), "; needs (N, L) and at most ", Context,
              " in all");
      flipbook::detail::require_guidance("TokenTransformer", how.guidance, of_classes);
      const bool guide = how.guidance != 0;
      using X = Tensor<T, B>;
      typename decltype(this->position)::template State<X> at{};
      typename decltype(this->blocks)::template State<X> caches{};
      const auto next = [&](const Indices& tokens) {
        const X h = this->blocks(this->position(this->embed(tokens), at), caches);  // (N, L, Width), or (2N, …)
        const X logits = this->head(this->norm(slice(h, 1, h.extent(1) - 1, h.extent(1))));
        const X of_next = guide ? flipbook::detail::guided(logits, how.guidance) : logits;  // (N, 1, Tokens)
        return Distribution::sample(truncated(of_next, how), rng).reshape({of_next.extent(0), 1});
      };
      List<Indices> drawn{next(guide ? flipbook::detail::and_of_null_class(prefix, null_class) : prefix)};  // (N, 1)
      while (static_cast<Index>(drawn.size()) < count) {
        drawn.push_back(next(guide ? concat(0, drawn.back(), drawn.back()) : drawn.back()));
      }
      return concat(1, drawn);
    }

   private:
    static Indices part(const Indices& tokens, Index first, Index last) {
      require(tokens.rank() == 2 && tokens.extent(1) >= 2,
              "TokenTransformer: needs (N, L) of at least two tokens, got ", tokens.shape());
      return slice(tokens, 1, first, last);
    }
    static Indices all_but_last(const Indices& tokens) {
      return part(tokens, 0, tokens.rank() == 2 ? tokens.extent(1) - 1 : 0);
    }
    static Indices all_but_first(const Indices& tokens) {
      return part(tokens, 1, tokens.rank() == 2 ? tokens.extent(1) : 1);
    }
  };
};

}  // namespace flipbook
