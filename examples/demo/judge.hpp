// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <limits>
#include <optional>

#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/metrics/frechet.hpp>
#include <flipbook/metrics/sprites.hpp>
#include <flipbook/ops/gather/gather.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

#include "scene.hpp"

namespace flipbook::examples::demo {

/// Classes of a frame's thing, and 64 features by which clips are compared.
struct Classifier {
  using Body = nn::Sequential<nn::Conv2d<1, 16, half>, nn::ReLU, nn::Conv2d<16, 32, half>, nn::ReLU,  //
                              nn::Conv2d<32, 64, half>, nn::ReLU, nn::Conv2d<64, 128, same>, nn::ReLU>;
  template <Real T, class B>
  struct Instance {
    Of<Body, T, B> body;
    Of<nn::Linear<256, 64>, T, B> hidden;
    Of<nn::Linear<64, 10>, T, B> last;

    explicit Instance(Rng& rng) : body(rng), hidden(rng), last(rng) {}
    static void fields(auto& self, auto&& field) {
      field("body", self.body);
      field("hidden", self.hidden);
      field("last", self.last);
    }
    template <Value X>
    X features(const X& frames) const {  // (N, 64, 64, 1) → (N, 64)
      const X seen = body(frames);       // (N, 8, 8, 128)
      const X most = reshape(max_pool(seen, 8), {frames.extent(0), 128});
      return relu(hidden(concat(-1, most, mean(seen, {1, 2}, true))));
    }
  };
};

/// How good clips are. What was not measured is not a number.
struct Quality {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  double distance = none, motion = none, straight = none, known = none;
};

/// Measures clips of one thing that moves beside real ones.
class Judge {
 public:
  static constexpr Index clips = 256, length = 16;  ///< that are compared, and frames of them

  /// Trains a classifier for so many seconds, where there are labels of the sprites' images.
  Judge(const MovingSprites& training, const Tensor<std::uint8_t>& labels, AnyClips real, double seconds);

  /// Real clips measured beside other real ones: what cannot be done better.
  Quality floor() const {
    return measure([this](Index first, Index count) { return batch_of(real_, clips + first, count); });
  }
  /// @param made  called as made(first, count), gives clips (count, T, 64, 64, 1) with T ≥ 16
  Quality measure(const std::function<Tensor<float>(Index, Index)>& made) const;

 private:
  Tensor<float> features(const Tensor<float>& clips) const;  // (2 N, 64), of frames 3 and 14
  Index known(const Tensor<float>& clips) const;
  static Tensor<float> paths(const Tensor<float>& clips);  // (N, 16)

  AnyClips real_;
  std::optional<Module<Classifier, float>> classifier_;
  metrics::FrechetDistance looks_, moves_;  // of the real ones alone
};

}  // namespace flipbook::examples::demo
