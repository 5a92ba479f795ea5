// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/backend/cuda/runtime/launch.hpp>
#include <flipbook/backend/cuda/runtime/scratch.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// The image and position of a sprite in a frame.
struct SpritePlace {
  Index image, top, left;
};

/// The kernels' argument: the images and options of MovingSprites.
struct SpriteClips {
  const std::uint8_t* images;
  Index count, height, width;  ///< of the images, (K, h, w)
  Index frames, canvas, sprites;
  double step;
  std::uint64_t seed;
  Index first;  ///< index of the first clip
};

// Templates, since nvcc does not support inline kernels.

/// Computes places (N, T, S). Each thread follows one sprite through its clip.
template <class Place>
__global__ void place_sprites(SpriteClips c, Index size, Place* places) {
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

/// Draws clips (N, T, H, W). Each pixel is that of the brightest sprite over it, or black.
template <class Place>
__global__ void draw_sprites(SpriteClips c, Index size, const Place* places, float* clips) {
  for (Index i = thread_number(); i < size; i += thread_count()) {
    const Index frame = i / (c.canvas * c.canvas), y = i / c.canvas % c.canvas, x = i % c.canvas;
    std::uint8_t brightest = 0;
    for (Index number = 0; number < c.sprites; ++number) {
      const Place at = places[frame * c.sprites + number];
      const Index row = y - at.top, column = x - at.left;
      if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
      const std::uint8_t pixel = c.images[(at.image * c.height + row) * c.width + column];
      brightest = pixel > brightest ? pixel : brightest;
    }
    clips[i] = to_unit(brightest);
  }
}

}  // namespace flipbook::cuda

namespace flipbook::inline FLIPBOOK_ISA {

/// Generates a source's clips on the selected device: the result, called as (first, count), returns clips [first, first
/// + count), (N, T, H, W, 1). Random numbers and pixels are the CPU's, except where the last bit of a sine moves a
/// sprite.
inline auto made_on(Cuda, const MovingSprites& source) {
  const auto& [frames, canvas, sprites, step, seed] = source.options();
  const Tensor<std::uint8_t, Cuda> images = to<Cuda>(source.images());  // (K, h, w)
  const cuda::SpriteClips all{
      images.data(), images.extent(0), images.extent(1), images.extent(2), frames, canvas, sprites, step, seed, 0};
  return [images, all](Index first, Index count) {
    cuda::SpriteClips c = all;
    c.first = first;
    Tensor<float, Cuda> clips({count, c.frames, c.canvas, c.canvas, 1});
    const cuda::Scratch<cuda::SpritePlace> places(count * c.frames * c.sprites);
    const Index paths = count * c.sprites;
    if (count == 0) return clips;
    cuda::launch(cuda::place_sprites<cuda::SpritePlace>, cuda::blocks_for(paths), cuda::block_threads, 0, c, paths,
                 places.data());
    cuda::launch(cuda::draw_sprites<cuda::SpritePlace>, cuda::blocks_for(clips.size()), cuda::block_threads, 0, c,
                 clips.size(), places.data(), clips.data());
    return clips;
  };
}

}  // namespace flipbook
