// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/transformer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer from tokens to logits at each of their places: what TokenTransformer and MaskedTransformer have in
/// common.
///
///     logits = head(norm(blocks(embed(tokens) + position)))
///
/// Parameters: embed, position, blocks.i, norm, head.
///
/// @tparam Vocabulary  tokens that may be seen: 0 … Vocabulary − 1
/// @tparam Tokens      those of them that are predicted: 0 … Tokens − 1
/// @tparam Context     how many places there may be
/// @tparam O           what its blocks are, above all whether a place sees later ones
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

    /// The logits of each place: (N, L) → (N, L, Tokens).
    /// @throws Error  if there are more than Context places, or a token is not of the vocabulary
    Tensor<T, B> operator()(const Indices& tokens) const { return logits(embed(tokens)); }
    Variable<T, B> operator()(Tape& tape, const Indices& tokens) const { return logits(embed(tape, tokens)); }
    /// The same of tokens that are known to be of the vocabulary: a device need not be asked, so that it may capture
    /// the step.
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
