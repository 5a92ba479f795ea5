// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/tokens/token_network.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer over visual tokens with bidirectional attention, as in BERT: the logits of all positions, of which
/// some are masked. It is the network of `Masked`. Devlin et al., BERT, 2019; Chang et al., MaskGIT, 2022. Parameters:
/// embed, position, blocks.i, norm, head.
///
/// @tparam Context  the largest number of tokens after the given first one
/// @tparam Given    number of further tokens, Tokens … Tokens + Given − 1, that are given but never predicted: a start
///                  token, or one for each class; they are followed by `mask`, the token of masked positions, and, if
///                  there are classes, by that of the null class
template <int Tokens = 512, int Width = 256, int Layers = 4, int Heads = 8, int Context = 1024, int Given = 0>
struct MaskedTransformer {
  static constexpr int tokens = Tokens, given = Given, context = Context, mask = Tokens + Given;
  static constexpr int null_class = mask + 1;  ///< if there are classes
  static constexpr nn::TransformerOptions options{.causal = nn::Causal::no};

  template <Real T, class B>
  using Instance = Of<TokenNetwork<mask + 1 + (Given > 1), Tokens, Width, Layers, Heads, 1 + Context, options>, T, B>;
};

}  // namespace flipbook
