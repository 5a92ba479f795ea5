// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/models/tokens/in_latents.hpp>
#include <flipbook/models/tokens/masked.hpp>
#include <flipbook/models/tokens/masked_transformer.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer over the codes of clips that predicts masked ones, several at a time; the default grid is that of
/// VideoVqVae for 16 frames of 64×64 pixels. Chang et al., MaskGIT: masked generative image transformer, 2022; for
/// clips, Yu et al., MAGVIT: masked generative video transformer, 2023.
template <class Tokenizer, LatentGrid Grid = LatentGrid{4, 8, 8}, int Width = 256, int Layers = 6, int Heads = 8,
          int Classes = 0, masked::Schedule Schedule = masked::Cosine>
using VideoMaskGit = InLatents<
    Tokenizer,
    Masked<MaskedTransformer<Tokenizer::QuantizerOf::codes, Width, Layers, Heads,
                             detail::codes_of_clip<typename Tokenizer::QuantizerOf>(Grid), std::max(1, Classes)>,
           Schedule>,
    Grid>;

}  // namespace flipbook
