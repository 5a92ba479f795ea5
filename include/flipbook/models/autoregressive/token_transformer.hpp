// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/sampling.hpp>
#include <flipbook/models/tokens/token_network.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A causal transformer over visual tokens, such as the codes of a quantised autoencoder, flattened in the order
/// time, height, width:
///
///     log p(x) = Σ_{t>1} log p(x_t | x_<t)       the first token is given
///
/// Yan et al., VideoGPT, 2021. Parameters: embed, position, blocks.i, norm, head.
///
/// @tparam Given  further tokens, Tokens … Tokens + Given − 1, that are given but never predicted, such as one to begin
///                with, or one for each class
template <int Tokens = 512, int Width = 256, int Layers = 4, int Heads = 8, int Context = 1024, int Given = 0>
struct TokenTransformer {
  static constexpr int tokens = Tokens, given = Given, context = Context;
  using Distribution = likelihood::Categorical<Tokens>;
  using Sampling = likelihood::Sampling;
  using Network = TokenNetwork<Tokens + Given, Tokens, Width, Layers, Heads, Context, nn::TransformerOptions{}>;

  template <Real T, class B>
  struct Instance : Of<Network, T, B> {       // whose operator() gives the logits of the token after each
    using Indices = Tensor<std::int32_t, B>;  // (N, L)

    explicit Instance(Rng& rng) : Of<Network, T, B>(rng) {}

    /// Σ_{t>1} log p(x_t | x_<t), in nats: (N).
    Tensor<T, B> log_likelihood(const Indices& tokens) const {
      return Distribution::log_prob((*this)(all_but_last(tokens)), all_but_first(tokens));
    }
    /// What training minimises: −log p in nats per token, averaged over the sequences.
    Variable<T, B> loss(Tape& tape, const Indices& tokens) const {
      const Indices inputs = all_but_last(tokens), targets = all_but_first(tokens);
      flipbook::detail::require_indices("TokenTransformer", inputs, Tokens + Given);
      flipbook::detail::require_indices("TokenTransformer", targets, Tokens);
      return loss_of_known(tape, tokens);
    }
    /// The same of tokens that are known to be of the vocabulary, as a quantizer's codes are: a device need not be
    /// asked, so that it may capture the step.
    Variable<T, B> loss_of_known(Tape& tape, const Indices& tokens) const {
      const auto logits = this->of_known(tape, all_but_last(tokens));  // (N, L − 1, Tokens)
      const auto log_p = apply(TakeAlongAxis<B>{all_but_first(tokens)}, log_softmax(logits));
      return -mean(log_p);
    }

    /// The next tokens after a prefix (N, L), L ≥ 1, each drawn from p(x_t | x_<t): (N, count). Keys and values of the
    /// tokens before are kept, so that a step costs one token.
    Indices sample(const Indices& prefix, Index count, Rng& rng, const Sampling& how = {}) const {
      require(prefix.rank() == 2 && prefix.extent(1) > 0 && count > 0 && prefix.extent(1) + count <= Context + 1,
              "TokenTransformer: ", count, " tokens after ", prefix.shape(), "; needs (N, L) and at most ", Context,
              " in all");
      using X = Tensor<T, B>;
      typename decltype(this->position)::template State<X> at{};
      typename decltype(this->blocks)::template State<X> caches{};
      const auto next = [&](const Indices& tokens) {
        const X h = this->blocks(this->position(this->embed(tokens), at), caches);  // (N, L, Width)
        const X last = slice(h, 1, h.extent(1) - 1, h.extent(1));
        return Distribution::sample(truncated(this->head(this->norm(last)), how), rng).reshape({tokens.extent(0), 1});
      };
      List<Indices> drawn{next(prefix)};  // (N, 1) each
      while (static_cast<Index>(drawn.size()) < count) drawn.push_back(next(drawn.back()));
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
