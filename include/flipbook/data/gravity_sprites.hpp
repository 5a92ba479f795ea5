// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/sprite.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Bodies in the plane that attract each other by softened gravity: the acceleration of body i is
///
///     G · Σ_j m_j (r_j − r_i) / (|r_j − r_i|² + ε²)^(3/2)
class GravityBodies {
 public:
  struct Body {
    double x, y, vx, vy, mass;
  };

  GravityBodies(std::vector<Body> bodies, double gravity, double softening)
      : bodies_(std::move(bodies)), gravity_(gravity), softening_(softening), pull_(bodies_.size()) {
    accelerate();
  }

  /// A step of velocity Verlet, which is symplectic and of second order. With `walls`, bodies that leave the unit
  /// square are reflected.
  void step(double time, bool walls = true) {
    kick(time / 2);
    for (Body& body : bodies_) {
      body.x += time * body.vx;
      body.y += time * body.vy;
      if (!walls) continue;
      reflect(body.x, body.vx);
      reflect(body.y, body.vy);
    }
    accelerate();
    kick(time / 2);
  }

  /// ½ Σ m v² − G Σ_{i<j} m_i m_j / √(|r_j − r_i|² + ε²).
  double energy() const {
    double energy = 0;
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      const Body& a = bodies_[i];
      energy += a.mass * (a.vx * a.vx + a.vy * a.vy) / 2;
      for (std::size_t j = 0; j < i; ++j) energy -= gravity_ * a.mass * bodies_[j].mass / distance(a, bodies_[j]);
    }
    return energy;
  }
  std::span<const Body> bodies() const noexcept { return bodies_; }

 private:
  struct Pull {
    double x, y;
  };

  double distance(const Body& a, const Body& b) const {
    const double x = b.x - a.x, y = b.y - a.y;
    return std::sqrt(x * x + y * y + softening_ * softening_);
  }
  void accelerate() {
    std::fill(pull_.begin(), pull_.end(), Pull{0, 0});
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const Body &a = bodies_[i], &b = bodies_[j];
        const double apart = distance(a, b), strength = gravity_ / (apart * apart * apart);
        const double x = strength * (b.x - a.x), y = strength * (b.y - a.y);
        pull_[i].x += b.mass * x, pull_[i].y += b.mass * y;
        pull_[j].x -= a.mass * x, pull_[j].y -= a.mass * y;
      }
    }
  }
  void kick(double time) {
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      bodies_[i].vx += time * pull_[i].x;
      bodies_[i].vy += time * pull_[i].y;
    }
  }
  static void reflect(double& at, double& velocity) {
    if (at >= 0 && at <= 1) return;
    at = std::clamp(at < 0 ? -at : 2 - at, 0.0, 1.0);
    velocity = -velocity;
  }

  std::vector<Body> bodies_;
  double gravity_, softening_;
  std::vector<Pull> pull_;  // accelerations
};

/// Sprites that attract each other (GravityBodies) and are reflected by the borders. The mass of an image is its mean
/// brightness, relative to that of all images. Lengths are fractions of the free distance (canvas − sprite), times are
/// in frames.
class GravitySprites {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;       ///< height and width of a frame
    Index sprites = 3;       ///< in each clip
    double speed = 0.05;     ///< initial speed, in a random direction
    double gravity = 0.002;  ///< G, for sprites of mass 1
    double softening = 0.1;  ///< ε
    Index steps = 4;         ///< integration steps per frame
    std::uint64_t seed = 0;
  };

  /// @param images  (K, h, w), no larger than the canvas
  /// @throws Error for other images, for black images alone, and for options out of range
  GravitySprites(Tensor<std::uint8_t> images, const Options& options) : images_(std::move(images)), options_(options) {
    detail::require_sprites("GravitySprites", images_, options.frames, options.canvas, options.sprites);
    require(
        std::isfinite(options.speed) && std::isfinite(options.gravity) && options.softening > 0 && options.steps > 0,
        "GravitySprites: speed ", options.speed, ", gravity ", options.gravity, ", softening ", options.softening,
        " and ", options.steps, " steps a frame; need a softening and steps above 0");
    const double all = brightness(images_) / static_cast<double>(images_.extent(0));
    require(all > 0, "GravitySprites: the images are black, so none has a mass");
    for (Index k = 0; k < images_.extent(0); ++k) masses_.push_back(brightness(images_[k]) / all);
  }
  explicit GravitySprites(Tensor<std::uint8_t> images) : GravitySprites(std::move(images), Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  Tensor<float> clip(Index index) const {
    GravityBodies world = start(index);
    const Index down = options_.canvas - images_.extent(1), across = options_.canvas - images_.extent(2);
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (Index t = 0; t < options_.frames; ++t) {
      for (Index number = 0; number < options_.sprites; ++number) {
        const auto& body = world.bodies()[static_cast<std::size_t>(number)];
        detail::draw_sprite(images_[image(index, number)], Sprite::begin(body.y, down), Sprite::begin(body.x, across),
                            clip[t]);
      }
      for (Index i = 0; i < options_.steps; ++i) world.step(1.0 / static_cast<double>(options_.steps));
    }
    return clip;
  }

  /// The bodies of clip `index` in its first frame, one for each sprite.
  GravityBodies start(Index index) const {
    const Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    std::vector<GravityBodies::Body> bodies;
    for (Index number = 0; number < options_.sprites; ++number) {
      const auto [image, point] = Sprite::of(rng, number, images_.extent(0));
      bodies.push_back({point.x, point.y, options_.speed * point.vx, options_.speed * point.vy,
                        masses_[static_cast<std::size_t>(image)]});
    }
    return GravityBodies(std::move(bodies), options_.gravity, options_.softening);
  }
  /// The index of the image of sprite `number` of clip `index`.
  Index image(Index index, Index number) const {
    return Sprite::of(Rng{options_.seed, static_cast<std::uint64_t>(index)}, number, images_.extent(0)).image;
  }
  const Tensor<std::uint8_t>& images() const noexcept { return images_; }  // (K, h, w)
  const Options& options() const noexcept { return options_; }

 private:
  static double brightness(const Tensor<std::uint8_t>& images) {
    double sum = 0;
    for (const std::uint8_t value : images) sum += value;
    return sum;
  }

  Tensor<std::uint8_t> images_;
  Options options_;
  std::vector<double> masses_;
};

}  // namespace flipbook
