// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/nn/embedding.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/transformer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer over visual tokens in which every place sees every other, as BERT's: the logits of all places, of
/// which some are masked. It is the network of `Masked`. Devlin et al., BERT, 2019; Chang et al., MaskGIT, 2022.
/// Parameters: embed, position, blocks.i, norm, head.
///
/// @tparam Context  how many tokens there may be besides the one that is given first
/// @tparam Given    further tokens, Tokens … Tokens + Given − 1, that are given but never predicted, such as one to
///                  begin with, or one for each class; the token of masked places, `mask`, comes after them
template <int Tokens = 512, int Width = 256, int Layers = 4, int Heads = 8, int Context = 1024, int Given = 0>
struct MaskedTransformer {
  static constexpr int tokens = Tokens, given = Given, context = Context, mask = Tokens + Given;
  static constexpr nn::TransformerOptions options{.causal = nn::Causal::no};

  template <Real T, class B>
  struct Instance {
    using Indices = Tensor<std::int32_t, B>;  // (N, L)

    Of<nn::Embedding<mask + 1, Width>, T, B> embed;
    Of<nn::LearnedPosition<Width, 1 + Context>, T, B> position;
    Of<nn::Transformer<Layers, Width, Heads, options>, T, B> blocks;
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
    /// @throws Error  if there are more than 1 + Context places, or a token is none of 0 … mask
    Tensor<T, B> operator()(const Indices& tokens) const { return logits(embed(tokens)); }
    Variable<T, B> operator()(Tape& tape, const Indices& tokens) const { return logits(embed(tape, tokens)); }
    /// The same of tokens that are known to be among 0 … mask: a device need not be asked, so that it may capture the
    /// step.
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
