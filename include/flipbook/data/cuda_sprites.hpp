#pragma once

#include <cstdint>
#include <utility>

#include <flipbook/backend/cuda/launch.hpp>
#include <flipbook/backend/cuda/scratch.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/sprite.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::cuda {

/// Where a sprite is in a frame.
struct SpritePlace {
  Index image, top, left;
};

/// What kernels are told of the clips that they make.
struct SpriteClips {
  const std::uint8_t* images;
  Index count, height, width;  ///< of the images, (K, h, w)
  Index frames, canvas, sprites;
  double step;
  std::uint64_t seed;
  Index first;  ///< the first clip's number
};

/// places (N, T, S): a thread for each sprite, which follows it through the clip.
__global__ inline void place_sprites(SpriteClips c, Index size, SpritePlace* places) {
  for (Index i = thread_number(); i < size; i += thread_count()) {
    const Index clip = i / c.sprites, number = i % c.sprites;
    const Rng stream{c.seed, static_cast<std::uint64_t>(c.first + clip)};
    auto [image, point] = Sprite::of(stream, number, c.count);
    for (Index t = 0; t < c.frames; ++t) {
      point.move(c.step);
      places[(clip * c.frames + t) * c.sprites + number] = {image, Sprite::begin(point.y, c.canvas - c.height),
                                                            Sprite::begin(point.x, c.canvas - c.width)};
    }
  }
}

/// clips (N, T, H, W): each pixel that of the brightest sprite over it, or black.
__global__ inline void draw_sprites(SpriteClips c, Index size, const SpritePlace* places, float* clips) {
  for (Index i = thread_number(); i < size; i += thread_count()) {
    const Index frame = i / (c.canvas * c.canvas), y = i / c.canvas % c.canvas, x = i % c.canvas;
    std::uint8_t brightest = 0;
    for (Index number = 0; number < c.sprites; ++number) {
      const SpritePlace at = places[frame * c.sprites + number];
      const Index row = y - at.top, column = x - at.left;
      if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
      const std::uint8_t pixel = c.images[(at.image * c.height + row) * c.width + column];
      brightest = pixel > brightest ? pixel : brightest;
    }
    clips[i] = to_unit(brightest);
  }
}

/// Makes MovingSprites' clips on a device: from the same random numbers the same pixels, but where the last bit of a
/// sine tells two apart.
class Sprites {
 public:
  /// @param images   (K, h, w)
  /// @param options  MovingSprites'
  template <class Options>
  Sprites(Tensor<std::uint8_t, Cuda> images, const Options& options)
      : images_(std::move(images)),
        clips_{std::as_const(images_).data(), images_.extent(0), images_.extent(1), images_.extent(2),
               options.frames, options.canvas, options.sprites, options.step, options.seed, 0} {}

  /// Clips [first, first + count), (N, T, H, W, 1).
  Tensor<float, Cuda> operator()(Index first, Index count) const {
    SpriteClips c = clips_;
    c.first = first;
    Tensor<float, Cuda> made({count, c.frames, c.canvas, c.canvas, 1});
    const Scratch<SpritePlace> places(count * c.frames * c.sprites);
    if (count == 0) return made;
    launch(place_sprites, blocks_for(count * c.sprites), block_threads, 0, c, count * c.sprites, places.data());
    launch(draw_sprites, blocks_for(made.size()), block_threads, 0, c, made.size(), std::as_const(places).data(),
           made.data());
    return made;
  }

 private:
  Tensor<std::uint8_t, Cuda> images_;
  SpriteClips clips_;
};

}  // namespace flipbook::cuda
