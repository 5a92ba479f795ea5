// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <numbers>
#include <type_traits>

#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/models/autoregressive/one_pass.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/ops/shape/permute.hpp>

/// SimVP: a convolutional encoder of frames, a translator of all their codes at once, a convolutional decoder of
/// frames. Gao et al., SimVP: Simpler yet better video prediction, 2022; Tan et al., SimVP: Towards simple yet powerful
/// spatiotemporal predictive learning (version 2), 2022.
namespace flipbook::inline FLIPBOOK_ISA {

namespace simvp {

/// The network that mixes the codes of all frames.
enum class Translator {
  gsta,      ///< gated spatiotemporal attention
  convmixer  ///< depthwise convolutions of 11×11 and convolutions of 1×1. Trockman and Kolter, 2022
};

/// The sizes of a network; the defaults are the paper's for Moving MNIST.
struct Options {
  int spatial = 64;   ///< channels of a frame's code
  int hidden = 512;   ///< channels of the translator
  int halvings = 2;   ///< halvings of height and width by the encoder
  int blocks = 8;     ///< of the translator, 2 or more
  int expansion = 8;  ///< of gsta: the width of a block's MLP relative to the block's
  Translator translator = Translator::gsta;
};

// Types, not aliases: nvcc 13 loses a window that an alias passes on.
/// A convolution that keeps height and width: (N, H, W, In) → (N, H, W, Out).
template <int In, int Out, int Kernel = 3>
struct Same : nn::Conv2d<In, Out, Window{.kernel = Kernel, .padding = Kernel / 2}> {};
/// A depthwise convolution that keeps height and width: (N, H, W, C) → (N, H, W, C).
template <int C, int Kernel, int Dilation = 1>
struct Depthwise
    : nn::Conv2d<C, C, Window{.kernel = Kernel, .padding = Dilation*(Kernel / 2), .dilation = Dilation, .groups = C}> {
};

/// A layer of the encoder or decoder that keeps height and width: (N, H, W, In) → (N, H, W, Out).
template <int In, int Out>
struct Keep : nn::Sequential<Same<In, Out>, nn::GroupNorm<2, Out>, nn::SiLU> {};
/// A layer of the encoder: (N, H, W, C) → (N, ⌈H/2⌉, ⌈W/2⌉, C).
template <int C>
struct Halve
    : nn::Sequential<nn::Conv2d<C, C, Window{.kernel = 3, .stride = 2, .padding = 1}>, nn::GroupNorm<2, C>, nn::SiLU> {
};
/// A layer of the decoder: (N, H, W, C) → (N, 2H, 2W, C).
template <int C>
struct Double : nn::Sequential<Same<C, 4 * C>, nn::PixelShuffle<4 * C, 2>, nn::GroupNorm<2, C>, nn::SiLU> {};

/// Gated spatiotemporal attention: two depthwise convolutions, 5×5 and 7×7 of dilation 3, give a large receptive field;
/// their result is gated and added. An MLP with a depthwise 3×3 convolution follows. Without stochastic depth (drop
/// path).
template <int C, int Expansion>
struct GatedAttention
    : nn::Sequential<nn::Residual<nn::BatchNorm<C>,
                                  nn::Residual<Same<C, C, 1>, nn::GELU, Depthwise<C, 5>, Depthwise<C, 7, 3>,
                                               Same<C, 2 * C, 1>, nn::GLU<2 * C>, Same<C, C, 1>>,
                                  nn::LayerScale<C>>,
                     nn::Residual<nn::BatchNorm<C>, Same<C, Expansion * C, 1>, Depthwise<Expansion * C, 3>, nn::GELU,
                                  Same<Expansion * C, C, 1>, nn::LayerScale<C>>> {};

/// A depthwise convolution, then a 1×1 convolution: (N, H, W, C) → (N, H, W, C).
template <int C>
struct ConvMixer : nn::Sequential<nn::Residual<Depthwise<C, 11>, nn::GELU, nn::BatchNorm<C>>, Same<C, C, 1>, nn::GELU,
                                  nn::BatchNorm<C>> {};

/// A block of the translator.
template <int C, Options O>
using Block = std::conditional_t<O.translator == Translator::gsta, GatedAttention<C, O.expansion>, ConvMixer<C>>;

/// A 1×1 convolution if the channels differ, else the identity.
template <int In, int Out>
using Bridge = std::conditional_t<In == Out, nn::Identity, Same<In, Out, 1>>;

}  // namespace simvp

/// The network of SimVP: (N, Frames, H, W, In) → (N, Frames, H, W, Out), of any height and width. A skip connection
/// adds the first layer's output for the t-th input frame to the decoder's for the t-th output frame, before the layer
/// `last`. Parameters: first, encoder, translator, decoder, last, readout.
template <int Frames, int In = 1, int Out = In, simvp::Options O = simvp::Options{}>
struct SimVpNetwork {
  static_assert(Frames > 0 && O.halvings > 0 && O.blocks > 1,
                "SimVpNetwork: needs frames, one halving or more and two blocks or more");
  static constexpr int in = In, out = Out, dimensions = 3, context = Frames;
  static constexpr int codes = Frames * O.spatial;

  template <Real T, class B>
  struct Instance {
    template <int Count, class Twice>
    using Repeated = std::conditional_t<Count == 0, nn::Identity, nn::Repeat<std::max(Count, 1), Twice>>;
    using KeepAndHalve = nn::Sequential<simvp::Keep<O.spatial, O.spatial>, simvp::Halve<O.spatial>>;
    using DoubleAndKeep = nn::Sequential<simvp::Double<O.spatial>, simvp::Keep<O.spatial, O.spatial>>;
    using Translator =
        nn::Sequential<simvp::Block<codes, O>, simvp::Bridge<codes, O.hidden>,
                       nn::Repeat<O.blocks - 1, simvp::Block<O.hidden, O>>, simvp::Bridge<O.hidden, codes>>;

    Of<simvp::Keep<In, O.spatial>, T, B> first;
    Of<nn::Sequential<simvp::Halve<O.spatial>, Repeated<O.halvings - 1, KeepAndHalve>>, T, B> encoder;
    Of<Translator, T, B> translator;
    Of<nn::Sequential<Repeated<O.halvings - 1, DoubleAndKeep>, simvp::Double<O.spatial>>, T, B> decoder;
    Of<simvp::Keep<O.spatial, O.spatial>, T, B> last;
    Of<simvp::Same<O.spatial, Out, 1>, T, B> readout;

    explicit Instance(Rng& rng) : first(rng), encoder(rng), translator(rng), decoder(rng), last(rng), readout(rng) {}
    static void fields(auto& self, auto&& field) {
      field("first", self.first);
      field("encoder", self.encoder);
      field("translator", self.translator);
      field("decoder", self.decoder);
      field("last", self.last);
      field("readout", self.readout);
    }

    /// @throws Error  if the clips do not have Frames frames and In channels
    template <Value X>
    X operator()(const X& clips) const {
      const Shape& shape = clips.shape();
      require(shape.rank() == 5 && shape[1] == Frames && shape[4] == In, "SimVpNetwork: clips ", shape, "; needs (N, ",
              Frames, ", H, W, ", In, ")");
      const X skip = first(reshape(clips, {shape[0] * Frames, shape[2], shape[3], In}));  // (N·T, H, W, S)
      const X seen = encoder(skip);                                                       // (N·T, h, w, S)
      const Index h = seen.extent(1), w = seen.extent(2);
      // by_place (N, h, w, T, S), by_frame (N, T, h, w, S)
      const X by_place = permute(reshape(seen, {shape[0], Frames, h, w, O.spatial}), {0, 2, 3, 1, 4});
      const X translated = translator(reshape(by_place, {shape[0], h, w, codes}));  // (N, h, w, T·S)
      const X by_frame = permute(reshape(translated, {shape[0], h, w, Frames, O.spatial}), {0, 3, 1, 2, 4});
      const X decoded = decoder(reshape(by_frame, seen.shape()));  // (N·T, ≥ H, ≥ W, S)
      const X cropped = crop(decoded, Shape::filled(4, 0), skip.shape());
      return reshape(readout(last(cropped + skip)), shape.with_tail(1, {Out}));  // (N, T, H, W, Out)
    }
  };
};

/// SimVP for clips of `Channels` channels: predicts `Frames` frames from `Frames` frames in one pass. As in the paper,
/// the loss is the squared error: −log p is Σ (x − x̂)² plus a constant.
template <int Frames = 10, int Channels = 1, simvp::Options O = simvp::Options{},
          likelihood::Likelihood Likelihood = likelihood::FixedGaussian<std::numbers::sqrt2 / 2>>
using SimVp =
    OnePass<SimVpNetwork<Frames, Channels, Channels * Likelihood::parameters_per_channel, O>, Frames, Likelihood>;

}  // namespace flipbook
