// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>
#include <flipbook/data/paint.hpp>
#include <flipbook/data/sprite.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Synthetic clips of coloured discs, squares and triangles, with smooth edges, that move over a black canvas and
/// bounce off its borders. Later shapes cover earlier ones.
class MovingShapes {
 public:
  struct Options {
    Index frames = 16;
    Index canvas = 64;      ///< height and width of a frame
    Index shapes = 2;       ///< in each clip
    double smallest = 0.1;  ///< radius of the circumscribed circle, as a fraction of the canvas
    double largest = 0.2;
    double step = 0.1;  ///< distance per frame, as a fraction of the free distance (canvas − 2 · radius)
    std::uint64_t seed = 0;
  };

  explicit MovingShapes(const Options& options) : options_(options) {
    const auto& [frames, canvas, shapes, smallest, largest, step, seed] = options_;
    require(frames > 0 && canvas > 0 && shapes > 0 && std::isfinite(step), "MovingShapes: ", frames, " frames of ",
            canvas, " pixels and ", shapes, " shapes that move by ", step);
    require(0 < smallest && smallest <= largest && largest <= 0.5, "MovingShapes: radii from ", smallest, " to ",
            largest, " of the canvas; need 0 < smallest <= largest <= 0.5");
  }
  MovingShapes() : MovingShapes(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 3}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 3).
  Tensor<float> clip(Index index) const {
    Rng rng{options_.seed, static_cast<std::uint64_t>(index)};
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (Index i = 0; i < options_.shapes; ++i) {
      const Index kind = rng.below(3);
      const Colour colour = hue(rng.uniform());
      const double canvas = static_cast<double>(options_.canvas);
      const double radius = canvas * rng.uniform(options_.smallest, options_.largest), way = canvas - 2 * radius;
      auto point = BouncingPoint::draw(rng);
      for (Index t = 0; t < options_.frames; ++t) {
        point.move(options_.step);
        const double at_x = radius + way * point.x, at_y = radius + way * point.y;
        const paint::Box box{at_x - radius, at_y - radius, at_x + radius, at_y + radius};
        paint::shape(clip[t], colour, box,
                     [&](double x, double y) { return distance(kind, radius, x - at_x, y - at_y); });
      }
    }
    return clip;
  }

 private:
  /// The saturated colour of a hue in [0, 1).
  static Colour hue(double turn) {
    const auto ramp = [&](double offset) {
      const double place = std::fmod(6 * turn + offset, 6.0);
      return static_cast<float>(1 - std::clamp(std::min(place, 4 - place), 0.0, 1.0));
    };
    return {ramp(5), ramp(3), ramp(1)};
  }

  /// The signed distance of (x, y) from a shape around the origin, in pixels; negative inside.
  static double distance(Index kind, double radius, double x, double y) {
    constexpr double half_sqrt2 = 0.70710678118654752, half_sqrt3 = 0.86602540378443865;
    if (kind == 0) return std::hypot(x, y) - radius;
    if (kind == 1) return std::max(std::abs(x), std::abs(y)) - radius * half_sqrt2;
    return std::max(y, half_sqrt3 * std::abs(x) - y / 2) - radius / 2;  // three sides at a distance of half the radius
  }

  Options options_;
};

}  // namespace flipbook
