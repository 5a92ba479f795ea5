// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/io/pixels.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A point that moves straight through the unit square and bounces off its sides, exactly as in the generator of Moving
/// MNIST (Srivastava et al., Unsupervised learning of video representations using LSTMs, 2015): a step that leaves the
/// square ends on its side, with that component of the velocity reversed.
struct BouncingPoint {
  double x, y, vx, vy;

  /// A random point of the square with a random direction, at speed 1.
  static BouncingPoint draw(Rng& rng) {
    const double y = rng.uniform(), x = rng.uniform();
    return heading(x, y, rng.uniform());
  }
  /// A point with a direction, as a fraction of a full circle, at speed 1.
  template <class Number>
  static constexpr BouncingPoint heading(Number x, Number y, Number turn) {
    const Number angle = 2 * std::numbers::pi * turn;
    return {x, y, std::cos(angle), std::sin(angle)};
  }

  constexpr void move(double step) noexcept {
    advance(x, vx, step);
    advance(y, vy, step);
  }

 private:
  static constexpr void advance(double& at, double& velocity, double step) noexcept {
    at += step * velocity;
    if (at > 0 && at < 1) return;
    at = at <= 0 ? 0 : 1;
    velocity = -velocity;
  }
};

/// A point at integer pixels that draws a new velocity at each wall, exactly as in the generator of stochastic Moving
/// MNIST (Denton and Fergus, Stochastic video generation with a learned prior, 2018): components of up to `fastest`
/// pixels per frame, that away from the wall at least 1.
struct StochasticPoint {
  Index x, y, vx, vy;

  /// A random point of free × free pixels with a random velocity, which may be 0.
  static StochasticPoint draw(Rng& rng, Index free, Index fastest) {
    const Index x = rng.below(free), y = rng.below(free);
    const Index vx = along(rng, fastest), vy = along(rng, fastest);
    return {x, y, vx, vy};
  }
  void move(Rng& rng, Index free, Index fastest) {
    x += vx;
    y += vy;
    meet(rng, y, vy, vx, free, fastest);
    meet(rng, x, vx, vy, free, fastest);
  }

 private:
  static Index along(Rng& rng, Index fastest) { return rng.below(2 * fastest + 1) - fastest; }
  static void meet(Rng& rng, Index& at, Index& across_wall, Index& along_wall, Index free, Index fastest) {
    if (at >= 0 && at < free) return;
    const Index inward = at < 0 ? 1 : -1;
    at = at < 0 ? 0 : free - 1;
    across_wall = inward * (1 + rng.below(fastest));
    along_wall = along(rng, fastest);
  }
};

/// One of a clip's sprites: the index of its image, and its moving point.
struct Sprite {
  Index image;
  BouncingPoint point;

  /// Sprite `number` of a clip with the random stream `stream`; its image is one of `images`.
  static constexpr Sprite of(const Rng& stream, Index number, Index images) {
    const auto uniform = [&](Index draw) {
      return Rng::unit_pair(stream.block(static_cast<std::uint64_t>(4 * number + draw)))[0];
    };
    return {static_cast<Index>(uniform(0) * static_cast<double>(images)),
            BouncingPoint::heading(uniform(2), uniform(1), uniform(3))};
  }
  /// The sprite's first pixel along an axis, for a point at `at` of the free distance.
  static constexpr Index begin(double at, Index free) { return static_cast<Index>(at * static_cast<double>(free)); }
};

namespace detail {

/// Draws an image (h, w) into a frame (H, W, 1) where it is the brighter of the two.
inline void draw_sprite(const Tensor<std::uint8_t>& image, Index top, Index left, Tensor<float> frame) {
  const Index h = image.extent(0), w = image.extent(1), width = frame.extent(1);
  for (Index row = 0; row < h; ++row) {
    const std::uint8_t* from = image.data() + row * w;
    float* to = frame.data() + (top + row) * width + left;
    for (Index column = 0; column < w; ++column) to[column] = std::max(to[column], to_unit(from[column]));
  }
}

/// @throws Error  unless there are images (K, h, w) no larger than the canvas, frames and sprites
inline void require_sprites(const char* of, const Tensor<std::uint8_t>& images, Index frames, Index canvas,
                            Index sprites) {
  require(images.rank() == 3 && images.size() > 0, of, ": needs images (K, h, w), got ", images.shape());
  require(images.extent(1) <= canvas && images.extent(2) <= canvas, of, ": images ", images.shape(),
          " are larger than the canvas, ", canvas);
  require(frames > 0 && sprites > 0, of, ": ", frames, " frames of ", sprites, " sprites");
}

}  // namespace detail

}  // namespace flipbook
