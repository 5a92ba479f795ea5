// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/space_time.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

using namespace nn;

inline constexpr int content_size = 48, motion_size = 4;  ///< of the code of a clip, and of each of its frames
inline constexpr int map_size = 32, map_channels = 4;     ///< of the map that rows and columns of frames attend to

// [disentangled]
using MotionEncoder = Sequential<                                // projections of frames (N, 384)
    Linear<projected, 256>, SiLU, Linear<256, 128>, SiLU,        //
    Linear<128, 2 * motion_size>>;                               // mean and log-variance (N, 8)
using ContentEncoder = Sequential<                               // frames, written to a map (N, 32, 32, 1)
    Conv2d<1, 32, half>, SiLU, Conv2d<32, 64, half>, SiLU,       //       (N, 8, 8, 64)
    Conv2d<64, 96, half>, SiLU, Flatten, Linear<1536, 96>>;      // mean and log-variance (N, 96)
using Map = Sequential<                                          // content (N, 48)
    Linear<content_size, 1536>, Unflatten<4, 4, 96>, SiLU,       //       (N, 4, 4, 96)
    ConvTranspose2d<96, 64, half>, SiLU,                         //       (N, 8, 8, 64)
    ConvTranspose2d<64, 32, half>, SiLU,                         //       (N, 16, 16, 32)
    ConvTranspose2d<32, map_channels, half>>;                    // map (N, 32, 32, 4)
using Windows = Sequential<                                      // position of a line and motion code (…, 1 + 4)
    Linear<1 + motion_size, 64>, SiLU, Linear<64, 64>, SiLU,     //
    Linear<64, 2>>;                                              // centre and width of its window (…, 2)
using Pixels = Sequential<SiLU, Conv2d<map_channels, 1, same>>;  // frames (N, 64, 64, 4) → logits

using ContentPrior = CodeFlow<content_size, 512, 3>;
using MotionPrior = Flow<  // motion codes (N, T, 1, 1, 4), conditioned on the content
    SpaceTimeTransformer<motion_size,
                         SpaceTimeOptions{.patch = {1, 1, 1}, .width = 64, .blocks = 2, .condition = content_size}>,
    flow::Straight, flow::LevelPerFrame, flow::Range::unbounded>;
// [/disentangled]

/// Rows and columns of frames attend to those of a map, each through a window, with scores
///
///     −κ (μ − s)²,   μ = y/2 + 2 f₁,   κ = exp(4 + 2 f₂),   f = perceptron(y, motion code)
///
/// for a line of the frame at y in (−4, 4) and lines of the map at s in (−1, 1). Before training, the middle of the
/// frame reads the map line by line. In DRAW (Gregor et al., 2015) the windows are equally spaced and equally wide;
/// here each line has its own.
struct LineWindows {
  template <Real T, class B>
  struct Instance {
    Of<Windows, T, B> of_rows, of_columns;

    explicit Instance(Rng& rng) : of_rows(rng), of_columns(rng) {}
    static void fields(auto& self, auto&& field) {
      field("rows", self.of_rows);
      field("columns", self.of_columns);
    }

    /// Attention weights of the rows and of the columns of frames: (N, T, 64, 32) each.
    template <Value X>
    struct Weights {
      X rows, columns;
    };
    /// @param motion  (N, T, 4)
    template <Value X>
    Weights<X> weights(const X& motion) const {
      const Index n = motion.extent(0), t = motion.extent(1);
      const X positions =
          broadcast_to(reshape(lift_like(motion, centres(canvas)) * 4.0, {1, 1, canvas, 1}), {n, t, canvas, 1});
      const X codes = broadcast_to(reshape(motion, {n, t, 1, motion_size}), {n, t, canvas, motion_size});
      const X inputs = concat(-1, positions, codes);  // (N, T, 64, 5)
      const auto attention = [&](const auto& perceptron) {
        const auto f = split(perceptron(inputs), -1, 2);                                         // (N, T, 64, 1) each
        const X distance = f[0] * 2.0 + positions * 0.5 - lift_like(motion, centres(map_size));  // (N, T, 64, 32)
        return softmax(-(square(distance) * exp(affine(f[1], 2, 4))));
      };
      return {attention(of_rows), attention(of_columns)};
    }
    /// Frames as they read a map: (N, 32, 32, C) → (N, T, 64, 64, C).
    template <Value X>
    static X read(const X& map, const Weights<X>& at) {
      const Index n = map.extent(0), c = map.extent(3), t = at.rows.extent(1);
      const X columns = reshape(transpose(map, 1, 2), {n, map_size, map_size * c});    // (N, 32, 32·C)
      const X wide = matmul(reshape(at.columns, {n, t * canvas, map_size}), columns);  // (N, T·64, 32·C)
      const X rows = transpose(reshape(wide, {n * t, canvas, map_size, c}), 1, 2);     // (N·T, 32, 64, C)
      const X all = matmul(reshape(at.rows, {n * t, canvas, map_size}), reshape(rows, {n * t, map_size, canvas * c}));
      return reshape(all, {n, t, canvas, canvas, c});
    }
    /// The adjoint of `read`, averaged over the frames: (N, T, 64, 64, 1) → (N, 32, 32, 1).
    template <Value X>
    static X write(const X& clips, const Weights<X>& at) {
      const Index n = clips.extent(0), t = clips.extent(1);
      const X narrow = matmul(reshape(clips, {n, t, canvas, canvas}), at.columns);  // (N, T, 64, 32)
      const X maps = matmul(at.rows, narrow, Transposed{.a = true});                // (N, T, 32, 32)
      return reshape(mean(maps, {1}), {n, map_size, map_size, 1});
    }

   private:
    /// The centres of equally wide lines that fill (−1, 1): (count).
    static Tensor<T, B> centres(Index count) {
      std::vector<T> each;
      for (Index i = 0; i < count; ++i) each.push_back(static_cast<T>(double(2 * i + 1) / double(count) - 1));
      return Tensor<T, B>({count}, each);
    }
  };
};

/// A clip as a content code and a motion code for each frame, with flows as priors of both. After Li and Mandt,
/// Disentangled sequential autoencoder, 2018; the priors are learned as in LatentFlow.
struct Disentangled {
  static constexpr int in = 1;
  static constexpr bool unit_interval = true;
  using Content = latent::DiagonalGaussian<content_size>;
  using Motion = latent::DiagonalGaussian<motion_size>;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    using LineWeights = typename Of<LineWindows, T, B>::template Weights<X>;

    Of<MotionEncoder, T, B> motion_encoder;
    Of<LineWindows, T, B> lines;
    Of<ContentEncoder, T, B> content_encoder;
    Of<Map, T, B> map;
    Of<Pixels, T, B> pixels;
    Of<ContentPrior, T, B> content_prior;
    Of<MotionPrior, T, B> motion_prior;
    Index decoded = 2;                             ///< frames of a clip in a step
    double content_beta = 0.1, motion_beta = 0.1;  ///< weights of the divergences
    double prior_weight = 100;                     ///< of the flows' losses

    explicit Instance(Rng& rng)
        : motion_encoder(rng),
          lines(rng),
          content_encoder(rng),
          map(rng),
          pixels(rng),
          content_prior(rng),
          motion_prior(rng) {
      fill(get<1>(pixels.layers).bias.value, T(-3));  // the background is black
    }
    static void fields(auto& self, auto&& field) {
      field("motion_encoder", self.motion_encoder);
      field("lines", self.lines);
      field("content_encoder", self.content_encoder);
      field("map", self.map);
      field("pixels", self.pixels);
      field("content_prior", self.content_prior);
      field("motion_prior", self.motion_prior);
      field("decoded", self.decoded);
      field("content_beta", self.content_beta);
      field("motion_beta", self.motion_beta);
      field("prior_weight", self.prior_weight);
    }

    /// q(motion | clip): of clips (N, T, 64, 64, 1) the mean and log-variance (N, T, 4).
    template <Value X>
    auto motion_posterior(const X& clips) const {
      const X parameters = motion_encoder(projections(clips) * 4.0);  // (N·T, 8)
      return Motion::posterior(reshape(parameters, {clips.extent(0), clips.extent(1), 2 * motion_size}));
    }
    /// q(content | clip, motion), of any number of frames: mean and log-variance (N, 48).
    template <Value X>
    auto content_posterior(const X& clips, const LineWeights<X>& at) const {
      return Content::posterior(content_encoder(lines.write(clips, at)));
    }
    /// Clips of contents (N, 48) and motions (N, T, 4): (N, T, 64, 64, 1).
    Tensor<T, B> decode(const Tensor<T, B>& content, const Tensor<T, B>& motion) const {
      return sigmoid(logits(content, lines.weights(motion)));
    }

    /// What training minimises: the reconstruction errors of a few frames (`Sharp`, and the cross-entropy, whose
    /// gradient does not vanish where a reconstruction is black), the divergences from the standard normal
    /// distribution, and the losses of the flows, to which the codes are constants.
    /// @throws Error  if the clips have fewer frames than a step decodes
    Variable<T, B> loss(const Variable<T, B>& clips) const {
      Tape& tape = clips.tape();
      const Index n = clips.extent(0), t = clips.extent(1);
      require(decoded > 0 && t >= decoded, "Disentangled: clips ", clips.shape(), ", of which a step decodes ", decoded,
              " frames");
      const auto some = tape.constant(some_frames(clips.value(), tape.rng()));  // (N, decoded, 64, 64, 1)
      const auto q_motion = motion_posterior(some);
      const auto at = lines.weights(Motion::sample(q_motion));
      const auto q_content = content_posterior(some, {stop_gradient(at.rows), stop_gradient(at.columns)});
      const auto z = Content::sample(q_content);
      const auto frames = logits(z, at);
      const auto fit = Sharp::log_prob(sigmoid(frames), some) + likelihood::Bernoulli::log_prob(frames, some);
      const auto of_frames = motion_beta * Motion::kl(q_motion) - fit;

      const Index part = (n + 1) / 2;  // encoding all frames of a clip is expensive
      const auto path = motion_posterior(clips.value().slice(0, part)).mean.reshape({part, t, 1, 1, motion_size});
      const auto priors = content_prior.loss(stop_gradient(z)) +
                          motion_prior.loss(tape.constant(path), tape.constant(z.value().slice(0, part)));
      return mean(of_frames * (1.0 / static_cast<double>(decoded)) + content_beta * Content::kl(q_content)) +
             prior_weight * priors;
    }

    /// New clips of so many frames: (N, T, 64, 64, 1).
    Tensor<T, B> sample(Index n, Index t, Rng& rng) const {
      const auto content = content_prior.sample({n, content_size}, rng);
      return decode(content, motions(content, t, rng));
    }
    /// Motion codes of given contents (N, 48): (N, T, 4).
    Tensor<T, B> motions(const Tensor<T, B>& content, Index t, Rng& rng) const {
      return motion_prior.sample({content.extent(0), t, 1, 1, motion_size}, rng, {}, content)
          .reshape({content.extent(0), t, motion_size});
    }
    /// The next frames after clips (N, T, 64, 64, 1): (N, frames, 64, 64, 1).
    Tensor<T, B> predict(const Tensor<T, B>& clips, Index more, Rng& rng) const {
      const Index n = clips.extent(0), t = clips.extent(1);
      const auto seen = motion_posterior(clips).mean;
      const auto content = content_posterior(clips, lines.weights(seen)).mean;
      const auto next = motion_prior.sample(seen.reshape({n, t, 1, 1, motion_size}), more, rng, {}, content);
      return decode(content, next.reshape({n, more, motion_size}));
    }

   private:
    template <Value X>
    X logits(const X& content, const LineWeights<X>& at) const {
      return for_each_frame(lines.read(map(content), at), pixels);  // (N, T, 64, 64, 1)
    }
    /// Equally spaced frames of each clip, from a random first one.
    Tensor<T, B> some_frames(const Tensor<T, B>& clips, Rng& rng) const {
      const Index spacing = clips.extent(1) / decoded, first = rng.below(spacing);
      List<Tensor<T, B>> some;
      for (Index t = first; std::ssize(some) < decoded; t += spacing) some.push_back(slice(clips, 1, t, t + 1));
      return concat(1, some);
    }
  };
};

}  // namespace flipbook::examples::demo
