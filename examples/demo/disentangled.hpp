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

inline constexpr int content_size = 48, motion_size = 4;  ///< numbers of a clip, and of each of its frames
inline constexpr int map_size = 32, map_channels = 4;     ///< of what lines of frames look at

// [disentangled]
using MotionEncoder = Sequential<  // means of rows, of columns and of 4×4 pixels (N, 384)
    Linear<2 * canvas + 256, 256>, SiLU, Linear<256, 128>, SiLU, Linear<128, 2 * motion_size>>;  // mean and
                                                                                                 // log-variance (N, 8)
using ContentEncoder = Sequential<                               // what frames put into a map (N, 32, 32, 1)
    Conv2d<1, 32, half>, SiLU, Conv2d<32, 64, half>, SiLU,       //       (N, 8, 8, 64)
    Conv2d<64, 96, half>, SiLU, Flatten, Linear<1536, 96>>;      // mean and log-variance (N, 96)
using Map = Sequential<                                          // content (N, 48)
    Linear<content_size, 1536>, Unflatten<4, 4, 96>, SiLU,       //       (N, 4, 4, 96)
    ConvTranspose2d<96, 64, half>, SiLU,                         //       (N, 8, 8, 64)
    ConvTranspose2d<64, 32, half>, SiLU,                         //       (N, 16, 16, 32)
    ConvTranspose2d<32, map_channels, half>>;                    // map (N, 32, 32, 4)
using Windows = Sequential<                                      // place of a line and motion (…, 1 + 4)
    Linear<1 + motion_size, 64>, SiLU, Linear<64, 64>, SiLU,     //
    Linear<64, 2>>;                                              // where it looks, and how closely (…, 2)
using Pixels = Sequential<SiLU, Conv2d<map_channels, 1, same>>;  // frames (N, 64, 64, 4) → logits

using ContentPrior = CodeFlow<content_size, 512, 3>;
using MotionPrior = Flow<  // of motions (N, T, 1, 1, 4), told the content
    SpaceTimeTransformer<motion_size,
                         SpaceTimeOptions{.patch = {1, 1, 1}, .width = 64, .blocks = 2, .condition = content_size}>,
    flow::Straight, flow::LevelPerFrame, flow::Range::unbounded>;
// [/disentangled]

/// Rows and columns of frames look at those of a map, each through a window of its own: attention with scores
///
///     −κ (μ − s)²,   μ = y/2 + 2 f₁,   κ = exp(4 + 2 f₂),   f = perceptron(y, motion code)
///
/// of lines of the map at s in (−1, 1), for a line of the frame at y in (−4, 4). At first the middle of the frame looks
/// at the map line by line. After the windows of Gregor et al., DRAW, 2015, which all are equally far apart and wide.
struct LineWindows {
  template <Real T, class B>
  struct Instance {
    Of<Windows, T, B> of_rows, of_columns;

    explicit Instance(Rng& rng) : of_rows(rng), of_columns(rng) {}
    static void fields(auto& self, auto&& field) {
      field("rows", self.of_rows);
      field("columns", self.of_columns);
    }

    /// How much each row and each column of a frame takes of each of the map: (N, T, 64, 32) each.
    template <Value X>
    struct Weights {
      X rows, columns;
    };
    /// @param motion  (N, T, 4)
    template <Value X>
    Weights<X> weights(const X& motion) const {
      const Index n = motion.extent(0), t = motion.extent(1);
      const X places =
          broadcast_to(reshape(lift_like(motion, middles(canvas)) * 4.0, {1, 1, canvas, 1}), {n, t, canvas, 1});
      const X told =
          concat(-1, places, broadcast_to(reshape(motion, {n, t, 1, motion_size}), {n, t, canvas, motion_size}));
      const auto of = [&](const auto& perceptron) {
        const auto f = split(perceptron(told), -1, 2);                                     // (N, T, 64, 1) each
        const X apart = f[0] * 2.0 + places * 0.5 - lift_like(motion, middles(map_size));  // (N, T, 64, 32)
        return softmax(-(square(apart) * exp(affine(f[1], 2, 4))));
      };
      return {of(of_rows), of(of_columns)};
    }
    /// What frames find in a map: (N, 32, 32, C) → (N, T, 64, 64, C).
    template <Value X>
    static X find(const X& map, const Weights<X>& at) {
      const Index n = map.extent(0), c = map.extent(3), t = at.rows.extent(1);
      const X columns = reshape(transpose(map, 1, 2), {n, map_size, map_size * c});    // (N, 32, 32·C)
      const X wide = matmul(reshape(at.columns, {n, t * canvas, map_size}), columns);  // (N, T·64, 32·C)
      const X rows = transpose(reshape(wide, {n * t, canvas, map_size, c}), 1, 2);     // (N·T, 32, 64, C)
      const X all = matmul(reshape(at.rows, {n * t, canvas, map_size}), reshape(rows, {n * t, map_size, canvas * c}));
      return reshape(all, {n, t, canvas, canvas, c});
    }
    /// What frames put into a map where they attend to it, averaged over them: (N, T, 64, 64, 1) → (N, 32, 32, 1).
    template <Value X>
    static X gather(const X& clips, const Weights<X>& at) {
      const Index n = clips.extent(0), t = clips.extent(1);
      const X narrow = matmul(reshape(clips, {n, t, canvas, canvas}), at.columns);  // (N, T, 64, 32)
      const X maps = matmul(at.rows, narrow, Transposed{.a = true});                // (N, T, 32, 32)
      return reshape(mean(maps, {1}), {n, map_size, map_size, 1});
    }

   private:
    /// Where the lines of so many are, in (−1, 1): (count).
    static Tensor<T, B> middles(Index count) {
      std::vector<T> each;
      for (Index i = 0; i < count; ++i) each.push_back(static_cast<T>(double(2 * i + 1) / double(count) - 1));
      return Tensor<T, B>({count}, each);
    }
  };
};

/// A clip as one code of what stays the same and, for each frame, a few numbers of what changes, and flows that draw
/// both. After Li and Mandt, Disentangled sequential autoencoder, 2018; the priors are learned as in LatentFlow.
struct Disentangled {
  static constexpr int in = 1;
  static constexpr bool unit_interval = true;
  using Content = latent::DiagonalGaussian<content_size>;
  using Motion = latent::DiagonalGaussian<motion_size>;

  template <Real T, class B>
  struct Instance {
    Of<MotionEncoder, T, B> motion_encoder;
    Of<LineWindows, T, B> lines;
    Of<ContentEncoder, T, B> content_encoder;
    Of<Map, T, B> map;
    Of<Pixels, T, B> pixels;
    Of<ContentPrior, T, B> content_prior;
    Of<MotionPrior, T, B> motion_prior;
    Index drawn = 2;                               ///< frames of a clip that a step decodes
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
      field("drawn", self.drawn);
      field("content_beta", self.content_beta);
      field("motion_beta", self.motion_beta);
      field("prior_weight", self.prior_weight);
    }

    /// q of the motion codes: (N, T, 64, 64, 1) → mean and log-variance (N, T, 4).
    template <Value X>
    auto motion_of(const X& clips) const {
      const Index n = clips.extent(0), t = clips.extent(1);
      const X rows = reshape(clips, {n * t, canvas, canvas});
      const X coarse = reshape(avg_pool(reshape(clips, {n * t, canvas, canvas, 1}), Extent{1, 4, 4}), {n * t, 256});
      const X seen = concat(-1, mean(rows, {1}, true) * 4.0, mean(rows, {2}, true) * 4.0, coarse * 2.0);  // (N·T, 384)
      return Motion::posterior(reshape(motion_encoder(seen), {n, t, 2 * motion_size}));
    }
    /// q of the content, (N, 48), by as many frames as one likes and their motion codes.
    template <Value X>
    auto content_of(const X& clips, const X& motion) const {
      return content_of(clips, lines.weights(motion));
    }
    /// Clips of contents (N, 48) and motions (N, T, 4): (N, T, 64, 64, 1).
    Tensor<T, B> decode(const Tensor<T, B>& content, const Tensor<T, B>& motion) const {
      return sigmoid(logits(content, lines.weights(motion)));
    }

    /// What training minimises: how far a few frames are from those of the clip, by `Sharp` and by cross-entropy, whose
    /// gradient does not vanish where all is black, the divergences, and the flows' losses over codes that are constants
    /// to them.
    /// @throws Error  if the clips have fewer frames than are drawn
    Variable<T, B> loss(const Variable<T, B>& clips) const {
      Tape& tape = clips.tape();
      const Index n = clips.extent(0), t = clips.extent(1);
      require(drawn > 0 && t >= drawn, "Disentangled: clips ", clips.shape(), ", of which a step decodes ", drawn,
              " frames");
      const auto some = tape.constant(few_frames(clips.value(), tape.rng()));  // (N, drawn, 64, 64, 1)
      const auto q_motion = motion_of(some);
      const auto at = lines.weights(Motion::sample(q_motion));
      const auto q_content = content_of(some, {stop_gradient(at.rows), stop_gradient(at.columns)});
      const auto z = Content::sample(q_content);
      const auto made = logits(z, at);
      const auto fit = Sharp::log_prob(sigmoid(made), some) + likelihood::Bernoulli::log_prob(made, some);
      const auto frames_cost = motion_beta * Motion::kl(q_motion) - fit;

      const Index half_batch = (n + 1) / 2;  // the motion of whole clips is dear
      const auto path = motion_of(clips.value().slice(0, half_batch)).mean;
      const auto priors = content_prior.loss(stop_gradient(z)) +
                          motion_prior.loss(tape.constant(path.reshape({half_batch, t, 1, 1, motion_size})),
                                            tape.constant(z.value().slice(0, half_batch)));
      return mean(frames_cost * (1.0 / static_cast<double>(drawn)) + content_beta * Content::kl(q_content)) +
             prior_weight * priors;
    }

    /// New clips of so many frames: (N, T, 64, 64, 1).
    Tensor<T, B> sample(Index n, Index t, Rng& rng) const {
      const auto content = content_prior.sample({n, content_size}, rng);
      return decode(content, motions(content, t, rng));
    }
    /// Motions that go with contents (N, 48): (N, T, 4).
    Tensor<T, B> motions(const Tensor<T, B>& content, Index t, Rng& rng) const {
      return motion_prior.sample({content.extent(0), t, 1, 1, motion_size}, rng, {}, content)
          .reshape({content.extent(0), t, motion_size});
    }
    /// The next frames after clips (N, T, 64, 64, 1): (N, frames, 64, 64, 1).
    Tensor<T, B> predict(const Tensor<T, B>& clips, Index more, Rng& rng) const {
      const Index n = clips.extent(0), t = clips.extent(1);
      const auto seen = motion_of(clips).mean;
      const auto content = content_of(clips, seen).mean;
      const auto next = motion_prior.sample(seen.reshape({n, t, 1, 1, motion_size}), more, rng, {}, content);
      return decode(content, next.reshape({n, more, motion_size}));
    }

   private:
    using Weights = typename Of<LineWindows, T, B>::template Weights<Variable<T, B>>;
    template <Value X, class W>
    X logits(const X& content, const W& at) const {
      const X found = lines.find(map(content), at);  // (N, T, 64, 64, 4)
      return for_each_frame(found, pixels);
    }
    template <Value X>
    auto content_of(const X& clips, const typename Of<LineWindows, T, B>::template Weights<X>& at) const {
      return Content::posterior(content_encoder(lines.gather(clips, at)));
    }
    /// Frames of each clip, equally far apart, from a first one that is drawn.
    Tensor<T, B> few_frames(const Tensor<T, B>& clips, Rng& rng) const {
      const Index apart = clips.extent(1) / drawn, first = rng.below(apart);
      List<Tensor<T, B>> some;
      for (Index i = 0; i < drawn; ++i) some.push_back(slice(clips, 1, first + i * apart, first + i * apart + 1));
      return concat(1, some);
    }
  };
};

}  // namespace flipbook::examples::demo
