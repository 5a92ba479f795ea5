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

/// Moving MNIST made on the fly from any images: in each clip a few sprites, drawn at random from the
/// images, move over a black canvas and bounce off its borders; where they overlap, the brighter shows.
/// Training on Cuda has the device make them.
class MovingSprites {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;  ///< height and width of a frame
    Index sprites = 2;  ///< in each clip
    double step = 0.1;  ///< moved per frame, as a part of the free way (canvas − sprite)
    std::uint64_t seed = 0;
  };

  /// @param images  (K, h, w), no larger than the canvas
  MovingSprites(Tensor<std::uint8_t> images, const Options& options) : images_(std::move(images)), options_(options) {
    const auto& [frames, canvas, sprites, step, seed] = options_;
    require(images_.rank() == 3 && images_.size() > 0, "MovingSprites: needs images (K, h, w), got ", images_.shape());
    require(images_.extent(1) <= canvas && images_.extent(2) <= canvas, "MovingSprites: images ", images_.shape(),
            " are larger than the canvas, ", canvas);
    require(frames > 0 && sprites > 0 && std::isfinite(step), "MovingSprites: ", frames, " frames of ", sprites,
            " sprites that move by ", step);
  }
  explicit MovingSprites(Tensor<std::uint8_t> images) : MovingSprites(std::move(images), Options{}) {}
  /// @param images  (K, h, w) in [0, 1]; kept to 8 bits, as they come from files
  MovingSprites(const Tensor<float>& images, const Options& options)
      : MovingSprites(to_bytes(images, "MovingSprites"), options) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless many that the seed stands for, (T, H, W, 1).
  Tensor<float> clip(Index index) const {
    const Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (Index number = 0; number < options_.sprites; ++number) {
      auto [image, point] = Sprite::of(rng, number, images_.extent(0));
      for (Index t = 0; t < options_.frames; ++t) {
        point.move(options_.step);
        draw(images_[image], point, clip[t]);
      }
    }
    return clip;
  }

  const Tensor<std::uint8_t>& images() const noexcept { return images_; }  // (K, h, w)
  const Options& options() const noexcept { return options_; }

 private:
  void draw(const Tensor<std::uint8_t>& image, const BouncingPoint& point, Tensor<float> frame) const {
    const Index h = image.extent(0), w = image.extent(1), canvas = options_.canvas;
    const Index top = Sprite::begin(point.y, canvas - h), left = Sprite::begin(point.x, canvas - w);
    for (Index row = 0; row < h; ++row) {
      const std::uint8_t* from = image.data() + row * w;
      float* to = frame.data() + (top + row) * canvas + left;
      for (Index column = 0; column < w; ++column) to[column] = std::max(to[column], to_unit(from[column]));
    }
  }

  Tensor<std::uint8_t> images_;
  Options options_;
};

}  // namespace flipbook

#ifdef FLIPBOOK_CUDA
#include <flipbook/data/cuda_sprites.hpp>
#endif
