// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/nn/spatio_temporal_lstm.hpp>
#include <flipbook/nn/transformer.hpp>

/// Networks that predict the next frame: each maps frames (N, H, W, Channels) to the parameters of the next frame's
/// distribution, `Out` numbers for each pixel.
namespace flipbook::inline FLIPBOOK_ISA {

/// An LSTM over codes of whole frames, Height × Width. Srivastava et al., 2015.
template <int Height, int Width, int Channels = 1, int Code = 256, int Hidden = 512, int Out = Channels>
using FrameLstm = nn::Stack<                                                       //
    nn::Flatten, nn::Linear<Height * Width * Channels, Code>, nn::ReLU,            // (N, Code)
    nn::LstmCell<Code, Hidden>,                                                    // (N, Hidden)
    nn::Linear<Hidden, Height * Width * Out>, nn::Unflatten<Height, Width, Out>>;  // (N, H, W, Out)

/// Two convolutional LSTMs over frames folded into patches of Fold × Fold pixels. Shi et al., 2015.
template <int Channels = 1, int Hidden = 64, int Kernel = 5, int Fold = 4, int Out = Channels>
using ConvLstm = nn::Stack<              //
    nn::PixelUnshuffle<Channels, Fold>,  // (N, H/F, W/F, F²C)
    nn::ConvLstmCell<Fold * Fold * Channels, Hidden, Window{.kernel = Kernel, .padding = Kernel / 2}>,  // (N, H/F, W/F,
                                                                                                        // Hidden)
    nn::ConvLstmCell<Hidden, Hidden, Window{.kernel = Kernel, .padding = Kernel / 2}>,  // (N, H/F, W/F, Hidden)
    nn::Conv2d<Hidden, Fold * Fold * Out, Window{.kernel = 1}>,                         // (N, H/F, W/F, F²·Out)
    nn::PixelShuffle<Fold * Fold * Out, Fold>>;                                         // (N, H, W, Out)

/// Spatio-temporal LSTMs over frames folded into patches of Fold × Fold pixels; the paper has four layers of width 128.
/// Wang et al., PredRNN, 2017.
template <int Channels = 1, int Hidden = 128, int Layers = 4, int Kernel = 5, int Fold = 4, int Out = Channels>
using PredRnn = nn::Stack<               //
    nn::PixelUnshuffle<Channels, Fold>,  // (N, H/F, W/F, F²C)
    nn::SpatioTemporalLstm<Fold * Fold * Channels, Hidden, Layers, Window{.kernel = Kernel, .padding = Kernel / 2}>,
    nn::Conv2d<Hidden, Fold * Fold * Out, Window{.kernel = 1}>,  // (N, H/F, W/F, F²·Out)
    nn::PixelShuffle<Fold * Fold * Out, Fold>>;                  // (N, H, W, Out)

/// A transformer over patches of Patch × Patch pixels, all patches of a frame at once: each attends to those of its own
/// and of earlier frames, with rotary positions in time, height and width.
template <int Channels = 1, int Patch = 8, int Width = 128, int Layers = 4, int Heads = 4, int Out = Channels>
using PatchTransformer = nn::Stack<               //
    nn::PixelUnshuffle<Channels, Patch>,          // (N, H/P, W/P, P²C)
    nn::Linear<Patch * Patch * Channels, Width>,  // (N, H/P, W/P, Width)
    nn::Transformer<Layers, Width, Heads, nn::TransformerOptions{.causal = nn::Causal::frame, .rotary = true}>,
    nn::LayerNorm<Width>, nn::Linear<Width, Patch * Patch * Out>,  // (N, H/P, W/P, P²·Out)
    nn::PixelShuffle<Patch * Patch * Out, Patch>>;                 // (N, H, W, Out)

}  // namespace flipbook
