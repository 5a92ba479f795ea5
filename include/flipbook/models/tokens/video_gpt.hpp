// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/tokens/in_latents.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A causal transformer over the codes of clips; the default grid is that of VideoVqVae for 16 frames of 64×64 pixels.
/// Yan et al., VideoGPT: video generation using VQ-VAE and transformers, 2021.
template <class Tokenizer, LatentGrid Grid = LatentGrid{4, 8, 8}, int Width = 256, int Layers = 6, int Heads = 8,
          int Classes = 0>
using VideoGpt =
    InLatents<Tokenizer,
              TokenTransformer<Tokenizer::QuantizerOf::codes, Width, Layers, Heads,
                               detail::codes_of_clip<typename Tokenizer::QuantizerOf>(Grid), std::max(1, Classes)>,
              Grid>;

}  // namespace flipbook
