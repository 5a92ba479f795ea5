// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <numbers>

#include <flipbook/data/dataset.hpp>
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

/// Clips of one thing that moves, as a picture of it and a path: the prior of all models here but the last.
namespace flipbook::examples::demo {

inline constexpr Index canvas = 64, picture = 32, frames = 32;  ///< pixels, pixels, of a path

constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};
constexpr Window same{.kernel = 3, .padding = 1};

/// Means over rows, over columns and over blocks of 4×4 pixels, by which a perceptron finds what is in a frame:
/// (N, T, 64, 64, 1) → (N·T, 384).
template <Value X>
X projections(const X& clips) {
  const Index count = clips.extent(0) * clips.extent(1);
  const X rows = reshape(clips, {count, canvas, canvas});
  const X blocks = reshape(avg_pool(reshape(clips, {count, canvas, canvas, 1}), 4), {count, 256});
  return concat(-1, mean(rows, {1}, true), mean(rows, {2}, true), blocks);
}
inline constexpr int projected = 2 * canvas + 256;

/// Learns where the thing is, from clips alone: what it cuts out of two frames there, coded and decoded, must explain
/// both where it is placed again.
struct Tracker {
  static constexpr bool unit_interval = true;
  using Where = nn::Sequential<nn::Linear<projected, 256>, nn::ReLU, nn::Linear<256, 128>, nn::ReLU, nn::Linear<128, 2>,
                               nn::Tanh>;
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
      return reshape(affine(where(projections(clips)), 22, 16), {clips.extent(0), clips.extent(1), 2});
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

/// The angle of each point (x, y).
inline Tensor<float> atan2(const Tensor<float>& y, const Tensor<float>& x) {
  Tensor<float> angle(y.shape());
  std::transform(y.begin(), y.end(), x.begin(), angle.data(), [](float b, float a) { return std::atan2(b, a); });
  return angle;
}

/// Positions (N, T, 2) rounded to whole pixels plus one offset for each clip and axis: things move by whole pixels, and
/// a tracker sees each at its own distance from its corner. The offset is the circular mean of the fractions.
inline Tensor<float> snapped(const Tensor<float>& positions) {
  constexpr double turn = 2 * std::numbers::pi;
  const auto angle = positions * turn;
  const auto offset = atan2(mean(sin(angle), {1}), mean(cos(angle), {1})) * (1 / turn);  // (N, 1, 2)
  return round(positions - offset) + offset;
}

/// A path of 32 frames by the ten lowest frequencies of its cosine transform in each direction, in units of about their
/// deviation: whatever the code, the path is smooth.
struct PathCode {
  static constexpr int frequencies = 10, size = 2 * frequencies;
  static constexpr std::array<double, frequencies> unit{27, 27, 34, 28, 13, 4, 4, 3, 3, 3};  // pixels
  static constexpr double middle = 16;

  /// What each number of a code does to the path: (20, 2·T).
  template <class B>
  static Tensor<float, B> basis() {
    std::vector<float> rows;
    for (int number = 0; number < size; ++number) {
      const int k = number % frequencies;
      const double length = std::sqrt((k == 0 ? 1.0 : 2.0) / double(frames));
      for (Index t = 0; t < frames; ++t) {
        const double value =
            unit[std::size_t(k)] * length * std::cos(std::numbers::pi * k * (double(t) + 0.5) / double(frames));
        for (int axis = 0; axis < 2; ++axis) rows.push_back(axis == number / frequencies ? float(value) : 0.0F);
      }
    }
    return Tensor<float, B>({size, 2 * frames}, rows);
  }
  /// Paths (N, 32, 2) in pixels → (N, 1, 1, 1, 20).
  static Tensor<float> encode(const Tensor<float>& paths) {
    const auto lines = affine(paths, 1, -middle).reshape({-1, 2 * frames});
    auto codes = matmul(lines, basis<Cpu>(), Transposed{.b = true});  // (N, 20), of rows of length `unit`
    std::vector<float> squares;
    for (int number = 0; number < size; ++number)
      squares.push_back(float(1 / std::pow(unit[std::size_t(number % frequencies)], 2)));
    return (codes * Tensor<float>({size}, squares)).reshape({-1, 1, 1, 1, size});
  }
  template <class B>
  static Tensor<float, B> decode(const Tensor<float, B>& codes) {  // (N, …, 20) → (N, 32, 2)
    return affine(matmul(codes.reshape({-1, size}), basis<B>()), 1, middle).reshape({-1, frames, 2});
  }
};

/// The clips of pictures (N, 32, 32, 1) on paths (N, T, 2).
template <class B>
Tensor<float, B> render(const Tensor<float, B>& pictures, const Tensor<float, B>& paths) {
  return clamp(place(pictures.reshape({-1, picture, picture, 1}), paths, {canvas, canvas}), 0, 1);
}

/// Picture and path of each clip, (1, 32, 32, 1) and (T, 2), as a tracker finds them. The picture is of one frame,
/// another one in each clip.
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
    return {cut[0], snapped(path)[0]};
  }

 private:
  AnyClips clips_;
  std::shared_ptr<const Module<Tracker, float>> tracker_;
};

/// The pictures alone, of clips of one frame.
using Pictures = ClipsOnly<Scenes>;

/// The first frames of clips.
struct FirstFrames {
  AnyClips clips;
  Index count;
  Shape shape() const {
    Shape shape = clips.shape();
    shape[0] = count;
    return shape;
  }
  Tensor<float> clip(Index index) const { return clips.clip(index).slice(0, count); }
};

/// Single frames of clips, (1, 64, 64, 1): another one of each.
struct EachFrame {
  AnyClips clips;
  Shape shape() const {
    Shape shape = clips.shape();
    shape[0] = 1;
    return shape;
  }
  Tensor<float> clip(Index index) const {
    const auto whole = clips.clip(index);
    const Index t = index % whole.extent(0);
    return whole.slice(t, t + 1);
  }
};

/// The paths of the first so many clips: (count, T, 2).
inline Tensor<float> paths_of(const Scenes& scenes, Index count) {
  List<Tensor<float>> paths(static_cast<std::size_t>(count));
  parallel_tasks(count, [&](Index i) { paths[static_cast<std::size_t>(i)] = scenes.clip(i).label; });
  return stack(0, paths);
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
