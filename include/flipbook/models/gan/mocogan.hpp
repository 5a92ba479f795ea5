// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/adversarial.hpp>
#include <flipbook/models/gan/conditional.hpp>
#include <flipbook/models/require_clips.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/sequential.hpp>

/// A generator of clips from codes of content and of motion, and its discriminators, after Tulyakov et al., MoCoGAN:
/// Decomposing motion and content for video generation, 2018. Layers and names are those of the authors' program.
namespace flipbook::inline FLIPBOOK_ISA::mocogan {

namespace detail {
inline constexpr Window head{.kernel = 4, .bias = false};
inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};  // halves or doubles an extent
/// Removes three frames, halves height and width.
inline constexpr Window shorter{.kernel = 4, .stride = {1, 2, 2}, .padding = {0, 1, 1}, .bias = false};
}  // namespace detail

/// Codes of a frame (N, 1, 1, Z) → frames (N, 64, 64, Channels) in [−1, 1]; W is the width of the last layer.
template <int Channels, int W, int Z>
using FrameNetwork = nn::Sequential<                                                  //
    nn::ConvTranspose2d<Z, 8 * W, detail::head>, nn::BatchNorm<8 * W>, nn::ReLU,      // (N, 4, 4, 8W)
    nn::ConvTranspose2d<8 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::ReLU,  // (N, 8, 8, 4W)
    nn::ConvTranspose2d<4 * W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::ReLU,  // (N, 16, 16, 2W)
    nn::ConvTranspose2d<2 * W, W, detail::half>, nn::BatchNorm<W>, nn::ReLU,          // (N, 32, 32, W)
    nn::ConvTranspose2d<W, Channels, detail::half>, nn::Tanh>;                        // (N, 64, 64, C)

/// Frames (N, 64, 64, Channels) → logits (N, 1, 1, 1).
template <int Channels, int W>
using ImageDiscriminator = nn::Sequential<                                             //
    nn::Conv2d<Channels, W, detail::half>, nn::LeakyReLU<0.2>,                         // (N, 32, 32, W)
    nn::Conv2d<W, 2 * W, detail::half>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, 16, 16, 2W)
    nn::Conv2d<2 * W, 4 * W, detail::half>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, 8, 8, 4W)
    nn::Conv2d<4 * W, 8 * W, detail::half>, nn::BatchNorm<8 * W>, nn::LeakyReLU<0.2>,  // (N, 4, 4, 8W)
    nn::Conv2d<8 * W, 1, detail::head>>;                                               // (N, 1, 1, 1)

/// Clips (N, T, 64, 64, Channels) of T ≥ 16 frames → logits of each run of 16 frames, (N, T − 15, 1, 1, Out).
template <int Channels, int W, int Out = 1>
using VideoDiscriminator = nn::Sequential<                                                //
    nn::Conv3d<Channels, W, detail::shorter>, nn::LeakyReLU<0.2>,                         // (N, T − 3, 32, 32, W)
    nn::Conv3d<W, 2 * W, detail::shorter>, nn::BatchNorm<2 * W>, nn::LeakyReLU<0.2>,      // (N, T − 6, 16, 16, 2W)
    nn::Conv3d<2 * W, 4 * W, detail::shorter>, nn::BatchNorm<4 * W>, nn::LeakyReLU<0.2>,  // (N, T − 9, 8, 8, 4W)
    nn::Conv3d<4 * W, 8 * W, detail::shorter>, nn::BatchNorm<8 * W>, nn::LeakyReLU<0.2>,  // (N, T − 12, 4, 4, 8W)
    nn::Conv3d<8 * W, Out, detail::head>>;                                                // (N, T − 15, 1, 1, Out)

/// The generator: frame t is generated from [content, category, motion_t]. Content is one standard normal code for the
/// whole clip; the category, one of `Categories`, is the label of the clip; motion is the state of a gated recurrent
/// unit whose input is noise,
///
///     m_t = GRU(ε_t, m_{t−1}),    m_0, ε_t ~ N(0, 1)
///
/// @tparam Frame  [content, category, motion] (N, 1, 1, Z) → frames (N, H, W, C) in [−1, 1]
template <nn::Layer Frame, int Content, int Motion, int Categories = 0>
struct Generator {
  static_assert(nn::channels_match<Content + Categories + Motion, Frame::in>,
                "mocogan::Generator: the network of frames must take content, category and motion");
  template <class V>
  using Batch = std::conditional_t<(Categories > 0), LabelledClip<V>, V>;

  template <Real T, class B>
  struct Instance {
    Of<nn::Recurrent<nn::GruCell<Motion, Motion>>, T, B> recurrent;
    Of<Frame, T, B> main;

    explicit Instance(Rng& rng) : recurrent(rng), main(rng) {}
    static void fields(auto& self, auto&& field) {
      field("recurrent", self.recurrent);
      field("main", self.main);
    }

    /// The inputs of a clip; the category is one-hot, (N, Categories), or empty.
    struct Noise {
      Tensor<T, B> content, first, steps, category;  // (N, Content), m₀ (N, Motion), ε (N, T, Motion)
    };
    static Noise noise(Index n, Index frames, Rng& rng, const Tensor<T, B>& category = {}) {
      Noise z;
      z.content = normal<T, B>({n, Content}, rng);
      z.first = normal<T, B>({n, Motion}, rng);
      z.steps = normal<T, B>({n, frames, Motion}, rng);
      z.category = category;
      return z;
    }
    /// Clips (N, T, H, W, C) in [−1, 1]; recorded on a tape if `lift` returns its variables.
    template <class Lift>
    auto generate(const Noise& z, const Lift& lift) const {
      const Index n = z.steps.extent(0), frames = z.steps.extent(1);
      using X = decltype(lift(z.content));
      typename decltype(recurrent)::template State<X> state{lift(z.first)};
      const X motion = recurrent(lift(z.steps), state);  // (N, T, Motion)
      Tensor<T, B> still = z.content;
      if constexpr (Categories > 0) still = concat(-1, still, z.category.reshape({n, Categories}));
      const X shared = lift(repeat_interleave(still.reshape({n, 1, Content + Categories}), frames, 1));
      const X images = main(reshape(concat(-1, shared, motion), {n * frames, 1, 1, Content + Categories + Motion}));
      Shape clips{n, frames};
      for (const Index extent : images.shape().part(1, images.rank())) clips.push_back(extent);
      return reshape(images, clips);
    }

    struct Made {
      Tensor<T, B> real;       ///< (N, T, H, W, C) in [−1, 1]
      Variable<T, B> samples;  ///< of the same shape
    };
    template <class Clips>
    Made play(Tape& tape, const Clips& batch, Rng& rng) const {
      const Tensor<T, B>& clips = clip_of(batch);
      require(clips.rank() == 5, "MoCoGan: needs clips (N, T, H, W, C), got shape ", clips.shape());
      flipbook::detail::require_clips("MoCoGan", clips.shape(), Frame::out);
      Tensor<T, B> category;
      if constexpr (Categories > 0) category = batch.label;
      const Noise z = noise(clips.extent(0), clips.extent(1), rng, category);
      return {affine(clips, 2, -1), generate(z, [&](const Tensor<T, B>& x) { return tape.constant(x); })};
    }
    /// n new clips of T = `frames` frames in [0, 1], (n, T, H, W, C); with categories, `category` is one-hot,
    /// (n, Categories).
    Tensor<T, B> sample(Index n, Index frames, Rng& rng, const Tensor<T, B>& category = {}) const {
      return affine(generate(noise(n, frames, rng, category), [](const Tensor<T, B>& x) { return x; }), 0.5, 0.5);
    }
  };
};

}  // namespace flipbook::mocogan

namespace flipbook::inline FLIPBOOK_ISA {

/// MoCoGAN: clips (N, T, 64, 64, Channels) of T ≥ 16 frames. One discriminator judges a random frame of each clip, the
/// other whole clips. With categories it is trained on LabelledClip, and the second discriminator also classifies
/// clips.
template <int Channels = 3, int W = 64, int Categories = 0, class Game = loss::NonSaturating, int Content = 50,
          int Motion = 10>
using MoCoGan = Adversarial<
    mocogan::Generator<mocogan::FrameNetwork<Channels, W, Content + Categories + Motion>, Content, Motion, Categories>,
    Discriminators<ViewDiscriminator<mocogan::ImageDiscriminator<Channels, W>, view::RandomFrames<1>>,
                   Classifying<mocogan::VideoDiscriminator<Channels, W, 1 + Categories>, Categories>>,
    Game>;

}  // namespace flipbook
