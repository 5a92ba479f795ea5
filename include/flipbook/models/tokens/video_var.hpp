// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/tokens/next_scale.hpp>
#include <flipbook/models/tokens/scale_transformer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer over codes of clips in several scales that predicts a whole scale at a time, for a tokenizer with
/// quantizer::MultiScale. Tian et al., Visual autoregressive modeling: scalable image generation via next-scale
/// prediction, 2024; here for clips.
template <class Tokenizer, int Width = 256, int Layers = 6, int Heads = 8, int Classes = 0>
  requires quantizer::OfScales<typename Tokenizer::QuantizerOf>
using VideoVar =
    InLatents<Tokenizer,
              NextScale<ScaleTransformer<Tokenizer::QuantizerOf::codes, typename Tokenizer::QuantizerOf::ScalesOf,
                                         Width, Layers, Heads, std::max(1, Classes)>>,
              LatentGrid{Tokenizer::QuantizerOf::ScalesOf::whole.t, Tokenizer::QuantizerOf::ScalesOf::whole.h,
                         Tokenizer::QuantizerOf::ScalesOf::whole.w}>;

}  // namespace flipbook
