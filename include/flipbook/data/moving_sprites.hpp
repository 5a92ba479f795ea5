// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/sprite.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Moving MNIST, generated on the fly from any images. In each clip a few sprites, drawn at random from the images,
/// move over a black canvas and bounce off its borders; where they overlap, the brighter one is visible. In training on
/// Cuda, the device generates the clips.
class MovingSprites {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;  ///< height and width of a frame
    Index sprites = 2;  ///< in each clip
    double step = 0.1;  ///< distance per frame, as a fraction of the free distance (canvas − sprite)
    std::uint64_t seed = 0;
  };

  /// @param images  (K, h, w), no larger than the canvas
  MovingSprites(Tensor<std::uint8_t> images, const Options& options) : images_(std::move(images)), options_(options) {
    detail::require_sprites("MovingSprites", images_, options.frames, options.canvas, options.sprites);
    require(std::isfinite(options.step), "MovingSprites: a step of ", options.step);
  }
  explicit MovingSprites(Tensor<std::uint8_t> images) : MovingSprites(std::move(images), Options{}) {}
  /// @param images  (K, h, w) in [0, 1]; rounded to 8 bits, as in image files
  MovingSprites(const Tensor<float>& images, const Options& options)
      : MovingSprites(to_bytes(images, "MovingSprites"), options) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  Tensor<float> clip(Index index) const {
    const Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    const Index canvas = options_.canvas;
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (Index number = 0; number < options_.sprites; ++number) {
      auto [image, point] = Sprite::of(rng, number, images_.extent(0));
      for (Index t = 0; t < options_.frames; ++t) {
        point.move(options_.step);
        detail::draw_sprite(images_[image], Sprite::begin(point.y, canvas - images_.extent(1)),
                            Sprite::begin(point.x, canvas - images_.extent(2)), clip[t]);
      }
    }
    return clip;
  }

  /// The index of the image of sprite `number` of clip `index`.
  Index image(Index index, Index number) const {
    return Sprite::of(Rng{options_.seed, static_cast<std::uint64_t>(index)}, number, images_.extent(0)).image;
  }
  const Tensor<std::uint8_t>& images() const noexcept { return images_; }  // (K, h, w)
  const Options& options() const noexcept { return options_; }

 private:
  Tensor<std::uint8_t> images_;
  Options options_;
};

}  // namespace flipbook

#ifdef FLIPBOOK_CUDA
#include <flipbook/data/cuda_sprites.hpp>
#endif
