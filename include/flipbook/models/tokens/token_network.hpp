// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/transformer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer from tokens to the logits of each position: the common part of TokenTransformer, MaskedTransformer and
/// ScaleTransformer.
///
///     logits = head(norm(blocks(embed(tokens) + position)))
///
/// Parameters: embed, position, blocks.i, norm, head.
///
/// @tparam Vocabulary  number of input tokens: 0 … Vocabulary − 1
/// @tparam Tokens      number of predicted tokens: 0 … Tokens − 1
/// @tparam Context     the largest number of positions
/// @tparam O           options of the blocks, such as causal attention
template <int Vocabulary, int Tokens, int Width, int Layers, int Heads, int Context, nn::TransformerOptions O>
struct TokenNetwork {
  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;  // (N, L)

    Of<nn::Embedding<Vocabulary, Width>, T, B> embed;
    Of<nn::LearnedPosition<Width, Context>, T, B> position;
    Of<nn::Transformer<Layers, Width, Heads, O>, T, B> blocks;
    Of<nn::LayerNorm<Width>, T, B> norm;
    Of<nn::Linear<Width, Tokens>, T, B> head;

    explicit Instance(Rng& rng)
        : embed(rng),
          position(rng),
          blocks(rng),
          norm(detail::make_instance<Of<nn::LayerNorm<Width>, T, B>>(rng)),
          head(rng) {}
    static void fields(auto& self, auto&& field) {
      field("embed", self.embed);
      field("position", self.position);
      field("blocks", self.blocks);
      field("norm", self.norm);
      field("head", self.head);
    }

    /// The logits of each position: (N, L) → (N, L, Tokens).
    /// @throws Error  if there are more than Context positions, or a token is not in the vocabulary
    Tensor<T, B> operator()(const Indices& tokens) const { return logits(embed(tokens)); }
    Variable<T, B> operator()(Tape& tape, const Indices& tokens) const { return logits(embed(tape, tokens)); }
    /// The same for tokens that are known to be in the vocabulary: they are not checked on the host, so a device can
    /// capture the step.
    Variable<T, B> of_known(Tape& tape, const Indices& tokens) const {
      return logits(apply(GatherRows<B>{tokens}, tape.lift(embed.weight)));
    }

   private:
    template <Value X>
    X logits(const X& embedded) const {  // (N, L, Width)
      return head(norm(blocks(position(embedded))));
    }
  };
};

}  // namespace flipbook
