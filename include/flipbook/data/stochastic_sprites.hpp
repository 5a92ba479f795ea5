// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/sprite.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Stochastic Moving MNIST, generated on the fly from any images. Each sprite moves straight until it meets a wall,
/// where it draws a new velocity (StochasticPoint), so its path cannot be predicted. Where sprites overlap, the
/// brighter one is visible; in the original, their sum, at most 1.
class StochasticSprites {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;  ///< height and width of a frame
    Index sprites = 2;  ///< in each clip
    Index fastest = 4;  ///< largest speed along each axis, in pixels per frame
    std::uint64_t seed = 0;
  };

  /// @param images  (K, h, w), smaller than the canvas
  StochasticSprites(Tensor<std::uint8_t> images, const Options& options)
      : images_(std::move(images)), options_(options) {
    detail::require_sprites("StochasticSprites", images_, options.frames, options.canvas, options.sprites);
    require(free() > 0 && options.fastest > 0 && options.fastest <= free(), "StochasticSprites: images ",
            images_.shape(), " leave ", free(), " pixels of the canvas, for up to ", options.fastest, " a frame");
  }
  explicit StochasticSprites(Tensor<std::uint8_t> images) : StochasticSprites(std::move(images), Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  Tensor<float> clip(Index index) const {
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (Index number = 0; number < options_.sprites; ++number) {
      Rng rng = stream(index, number);
      const Tensor<std::uint8_t> image = images_[rng.below(images_.extent(0))];  // (h, w)
      auto point = StochasticPoint::draw(rng, free(), options_.fastest);
      for (Index t = 0; t < options_.frames; ++t) {
        detail::draw_sprite(image, point.y, point.x, clip[t]);
        point.move(rng, free(), options_.fastest);
      }
    }
    return clip;
  }

  /// The index of the image of sprite `number` of clip `index`.
  Index image(Index index, Index number) const { return stream(index, number).below(images_.extent(0)); }
  const Tensor<std::uint8_t>& images() const noexcept { return images_; }  // (K, h, w)
  const Options& options() const noexcept { return options_; }

 private:
  Index free() const { return options_.canvas - std::max(images_.extent(1), images_.extent(2)); }
  // A sprite draws numbers at each wall that it meets, so each has its own part of the clip's stream.
  Rng stream(Index index, Index number) const {
    return Rng::at(options_.seed, static_cast<std::uint64_t>(index), static_cast<std::uint64_t>(number) << 32);
  }

  Tensor<std::uint8_t> images_;
  Options options_;
};

}  // namespace flipbook
