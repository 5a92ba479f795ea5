// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/data/tensor_dataset.hpp>
#include <flipbook/likelihood/likelihood.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/resample/placement.hpp>
#include <flipbook/train/trainer.hpp>

#include "../support/any_clips.hpp"

/// Clips of one thing that moves, as a picture of it and a path: three of the four models learn the two apart.
namespace flipbook::examples::demo {

inline constexpr Index canvas = 64, picture = 32, frames = 32;  ///< pixels, pixels, of a path

constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};
constexpr Window same{.kernel = 3, .padding = 1};

/// Learns where the thing is, from clips alone: what it cuts out of two frames there, coded and decoded, must explain
/// both where it is placed again.
struct Tracker {
  static constexpr bool unit_interval = true;
  using Where = nn::Sequential<nn::Linear<2 * 64 + 256, 256>, nn::ReLU, nn::Linear<256, 128>, nn::ReLU,
                               nn::Linear<128, 2>, nn::Tanh>;
  using Encoder =
      nn::Sequential<nn::Conv2d<1, 32, half>, nn::SiLU, nn::Conv2d<32, 64, half>, nn::SiLU, nn::Conv2d<64, 8, same>>;
  using Decoder = nn::Sequential<nn::Conv2d<8, 64, same>, nn::SiLU, nn::ConvTranspose2d<64, 32, half>, nn::SiLU,
                                 nn::ConvTranspose2d<32, 1, half>, nn::Sigmoid>;

  template <Real T, class B>
  struct Instance {
    Of<Where, T, B> where;
    Of<Encoder, T, B> encoder;
    Of<Decoder, T, B> decoder;

    explicit Instance(Rng& rng) : where(rng), encoder(rng), decoder(rng) {}
    static void fields(auto& self, auto&& field) {
      field("where", self.where);
      field("encoder", self.encoder);
      field("decoder", self.decoder);
    }

    /// The picture's first row and column in each frame: (N, T, 64, 64, 1) → (N, T, 2).
    template <Value X>
    X positions(const X& clips) const {
      const Index n = clips.extent(0), t = clips.extent(1);
      const X rows = reshape(clips, {n * t, canvas, canvas});
      const X coarse = reshape(avg_pool(reshape(clips, {n * t, canvas, canvas, 1}), 4), {n * t, 256});
      const X seen = concat(-1, mean(rows, {1}, true), mean(rows, {2}, true), coarse);  // (N·T, 384)
      return reshape(affine(where(seen), 22, 16), {n, t, 2});
    }
    Variable<T, B> loss(const Variable<T, B>& clips) const {
      const auto at = positions(clips);                                         // (N, T, 2)
      const auto seen = glimpse(clips, stop_gradient(at), {picture, picture});  // (N, T, 32, 32, 1)
      const auto again = place(decoder(encoder(mean(seen, {1}, true))), at, {canvas, canvas});
      const double all = static_cast<double>(clips.extent(0) * clips.extent(1));
      return sum(abs(again - clips)) * (5 / all) + sum(square(again - clips)) * (30 / all);
    }
  };
};

/// A path (N, T, 2) in pixels as numbers of the size of 1, (N, 1, 1, 1, 2·T): where it begins, and its steps.
template <class B>
Tensor<float, B> to_code(const Tensor<float, B>& path) {
  const auto first = affine(slice(path, 1, 0, 1), 1.0 / 11, -16.0 / 11);
  const auto steps = slice(path, 1, 1, path.extent(1)) - slice(path, 1, 0, path.extent(1) - 1);
  return concat(1, first, steps * (1.0 / 3)).reshape({path.extent(0), 1, 1, 1, -1});
}
template <class B>
Tensor<float, B> to_path(const Tensor<float, B>& code) {
  const auto steps = code.reshape({code.extent(0), -1, 2});
  return cumsum(concat(1, affine(slice(steps, 1, 0, 1), 11, 16), slice(steps, 1, 1, steps.extent(1)) * 3.0), 1);
}

/// The clips of pictures (N, 32, 32, 1) on paths (N, T, 2), which go by whole pixels.
template <class B>
Tensor<float, B> render(const Tensor<float, B>& pictures, const Tensor<float, B>& paths) {
  return clamp(place(pictures.reshape({-1, picture, picture, 1}), round(paths), {canvas, canvas}), 0, 1);
}

/// Picture and path of each clip, (1, 32, 32, 1) and (1, 1, 1, 2·T), as a tracker finds them. The picture is of one
/// frame, another one in each clip.
class Scenes {
 public:
  Scenes(AnyClips clips, const Module<Tracker, float>& tracker)
      : clips_(std::move(clips)), tracker_(std::make_shared<Module<Tracker, float>>(tracker)) {}

  Shape shape() const { return {1, picture, picture, 1}; }
  LabelledClip<> clip(Index index) const {
    const auto whole = clips_.clip(index);  // (T, 64, 64, 1)
    const auto clip = whole.reshape({1, whole.extent(0), canvas, canvas, 1});
    const auto path = (*tracker_)->positions(clip);  // (1, T, 2)
    const Index t = index % whole.extent(0);
    const auto cut = glimpse(slice(clip, 1, t, t + 1), round(slice(path, 1, t, t + 1)), {picture, picture});
    return {cut[0], to_code(path)[0]};
  }

 private:
  AnyClips clips_;
  std::shared_ptr<Module<Tracker, float>> tracker_;
};

/// The pictures alone, of clips of one frame.
class Pictures : public Scenes {
 public:
  using Scenes::Scenes;
  Tensor<float> clip(Index index) const { return Scenes::clip(index).clip; }
};
/// The paths alone, of the first so many clips.
inline TensorDataset paths_of(const AnyClips& clips, const Module<Tracker, float>& tracker, Index count) {
  const Scenes scenes(clips, tracker);
  List<Tensor<float>> codes(static_cast<std::size_t>(count));
  parallel_tasks(count, [&](Index i) { codes[static_cast<std::size_t>(i)] = scenes.clip(i).label; });
  return TensorDataset(stack(0, codes));  // (count, 1, 1, 1, 2·T)
}

/// How far two pictures are apart: 5·|x − m| + 30·(x − m)² a pixel, of which the first term keeps edges sharp and the
/// second the first steps from stalling at black.
struct Sharp {
  static constexpr int parameters_per_channel = 1;
  static constexpr bool unit_interval = true;
  template <Real T, class B>
  using Instance = Sharp;

  template <Value P, Operand X>
  static auto log_prob(const P& mean, const X& x) {
    const auto apart = mean - x;
    return sum_per_sample(abs(apart) * -5.0 + square(apart) * -30.0);
  }
  template <Value P>
  static P mean(const P& parameters) {
    return parameters;
  }
  /// The mean: the noise that this density has is not of the pictures.
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& parameters, Rng&) {
    return parameters;
  }
};

}  // namespace flipbook::examples::demo
