// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include <flipbook/core/math.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/dataset.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The scale of a radar's pixels: a pixel in [0, 1] is a reflectivity between two limits, in dBZ; rain of R mm/h has
/// the reflectivity 10 log₁₀(a Rᵇ) (Marshall and Palmer, 1948). From 0 to 60 dBZ these are 0.04 to 205 mm/h.
struct RainScale {
  double lowest = 0, highest = 60;  ///< dBZ of the pixels 0 and 1
  double a = 200, b = 1.6;

  double dbz(double pixel) const { return lowest + (highest - lowest) * pixel; }
  double rate_of_dbz(double dbz) const { return std::pow(std::pow(10, dbz / 10) / a, 1 / b); }
  /// The rain rate of a pixel, in mm/h.
  double rate(double pixel) const { return rate_of_dbz(dbz(pixel)); }
  /// The pixel of a rain rate in mm/h, a number or a vector register: 0 below the scale, 1 above it.
  template <class X>
  X pixel(const X& rate) const {
    const double range = highest - lowest, offset = (10 * std::log10(a) - lowest) / range;
    const X pixel = constant<X>(offset) + constant<X>(10 * b / std::numbers::ln10 / range) * math::log(rate);
    return math::min(constant<X>(1), math::max(constant<X>(0), pixel));
  }
};

/// Synthetic radar images of showers: cells of rain that move with a smooth wind, grow, decay and merge. Storms, and
/// the cells of each storm, come at random times and places (a cluster process: Rodriguez-Iturbe, Cox and Isham, Some
/// models for rainfall based on stochastic point processes, 1987). A cell of age a and life L has the rain
///
///     R(x, a) = peak · sin²(π a / L) · exp(−½ |x − centre|² / radius²)
///
/// stretched along the direction of its storm; the rain of overlapping cells is summed. The domain is a periodic
/// square, so much wider than the canvas that no cell is visible twice: cells enter and leave, and the statistics are
/// stationary.
class Rain {
 public:
  struct Options {
    Index frames = 20;
    Index canvas = 64;      ///< height and width of a frame
    double density = 0.02;  ///< expected number of living cells with their centre in a pixel
    double per_storm = 40;  ///< expected cells of a storm, at least 1: one, plus a Poisson number
    double spread = 8;      ///< standard deviation of their distance from the storm, along an axis, in pixels
    double life = 20;       ///< mean life of a cell, in frames; uniform between ½ and 3/2 of it
    double radius = 1.8;    ///< mean radius of a cell, in pixels; uniform between ½ and 3/2 of it
    double stretch = 2.5;   ///< ratio of a storm's long to its short side; a cell's is the square root of it
    double weakest = 10;    ///< lowest peak of a cell, in dBZ; peaks are uniform
    double strongest = 50;  ///< highest peak of a cell, in dBZ
    double wind = 1;        ///< mean speed, in pixels per frame; uniform per clip between 0 and twice it
    double eddies = 0.4;    ///< root mean square of the eddies' velocity, in pixels per frame
    RainScale scale = {};
    std::uint64_t seed = 0;
  };

  /// A cell, in pixels and frames; (x, y) is its centre at birth, from the canvas' corner.
  struct Cell {
    double born, life, x, y, radius, angle, peak;  ///< peak in mm/h; long side at `angle` to the x axis
  };

  /// A clip's wind: a uniform velocity, and eddies, u = ∂ψ/∂y and v = −∂ψ/∂x of a sum ψ of waves, without divergence.
  struct Wind {
    struct Wave {
      double kx, ky, phase, amplitude;
    };
    double u, v;
    std::array<Wave, 4> eddies;

    /// The velocity along x and y, in pixels per frame.
    std::array<double, 2> at(double x, double y) const {
      std::array<double, 2> velocity{u, v};
      for (const auto& [kx, ky, phase, amplitude] : eddies) {
        const double slope = amplitude * std::cos(kx * x + ky * y + phase);
        velocity[0] += ky * slope, velocity[1] -= kx * slope;
      }
      return velocity;
    }
  };

  explicit Rain(const Options& options) : options_(options) {
    const Options& o = options_;
    require(o.frames > 0 && o.canvas > 0 && o.density > 0 && o.per_storm >= 1 && o.life > 0 && o.radius > 0 &&
                o.spread >= 0 && o.stretch >= 1,
            "Rain: ", o.frames, " frames of ", o.canvas, " pixels with ", o.density, " cells each, ", o.per_storm,
            " a storm, that live for ", o.life, " and measure ", o.radius, " within ", o.spread, ", stretched by ",
            o.stretch);
    require(o.weakest <= o.strongest && o.scale.lowest < o.scale.highest && o.strongest <= o.scale.highest &&
                o.scale.a > 0 && o.scale.b > 0,
            "Rain: peaks from ", o.weakest, " to ", o.strongest, " dBZ on a scale from ", o.scale.lowest, " to ",
            o.scale.highest, "; need weakest <= strongest <= the scale's end");
    require(std::isfinite(o.wind) && std::isfinite(o.eddies), "Rain: wind ", o.wind, ", eddies ", o.eddies);
    dry_ = o.scale.rate(0);
    largest_ = 1.5 * o.radius * std::pow(o.stretch, 0.25) * sigmas(o.scale.rate_of_dbz(o.strongest));
    side_ = static_cast<double>(o.canvas) + 2 * largest_;
  }
  Rain() : Rain(Options{}) {}

  Shape shape() const { return {options_.frames, options_.canvas, options_.canvas, 1}; }

  /// Clip `index` of the endless sequence selected by the seed, (T, H, W, 1).
  Tensor<float> clip(Index index) const { return draw(cells(index), wind(index)); }

  /// The wind of clip `index`.
  Wind wind(Index index) const {
    Rng rng = stream(index, 0);
    const double speed = rng.uniform(0, 2 * options_.wind), direction = 2 * std::numbers::pi * rng.uniform();
    Wind wind{speed * std::cos(direction), speed * std::sin(direction), {}};
    constexpr std::array<std::array<double, 2>, 4> waves{{{1, 0}, {0, 1}, {1, 1}, {1, -1}}};
    const double unit = 2 * std::numbers::pi / side_;
    double squares = 0;
    for (std::size_t i = 0; i < waves.size(); ++i) {
      const double kx = unit * waves[i][0], ky = unit * waves[i][1], drawn = rng.normal();
      wind.eddies[i] = {kx, ky, 2 * std::numbers::pi * rng.uniform(), drawn / std::hypot(kx, ky)};
      squares += drawn * drawn / 2;
    }
    for (auto& wave : wind.eddies) wave.amplitude *= options_.eddies / std::sqrt(squares);
    return wind;
  }

  /// All cells that may live during clip `index`, including those born before it.
  std::vector<Cell> cells(Index index) const {
    const Options& o = options_;
    const Wind wind = this->wind(index);
    Rng rng = stream(index, 1);
    const double begin = -o.life * 2.5, end = static_cast<double>(o.frames - 1);  // storms last for a mean life
    const double storms = o.density * side_ * side_ * (end - begin) / (o.life * o.per_storm);
    std::vector<Cell> cells;
    for (Index left = poisson(storms, rng); left > 0; --left) {
      const double born = rng.uniform(begin, end), x = rng.uniform(0, side_), y = rng.uniform(0, side_);
      const double angle = std::numbers::pi * rng.uniform(), c = std::cos(angle), s = std::sin(angle);
      for (Index count = 1 + poisson(o.per_storm - 1, rng); count > 0; --count) {
        const double delay = rng.uniform(0, o.life), along = o.spread * std::sqrt(o.stretch) * rng.normal();
        const double across = o.spread / std::sqrt(o.stretch) * rng.normal();
        Cell cell{.born = born + delay,
                  .life = o.life * rng.uniform(0.5, 1.5),
                  .x = x + wind.u * delay + c * along - s * across,
                  .y = y + wind.v * delay + s * along + c * across,
                  .radius = o.radius * rng.uniform(0.5, 1.5),
                  .angle = angle + 0.4 * rng.normal(),
                  .peak = o.scale.rate_of_dbz(rng.uniform(o.weakest, o.strongest))};
        cells.push_back(cell);
      }
    }
    return cells;
  }

  /// Draws the clip of these cells in that wind, (T, H, W, 1).
  Tensor<float> draw(const std::vector<Cell>& cells, const Wind& wind) const {
    Tensor<float> clip(shape());
    std::fill(clip.begin(), clip.end(), 0.0F);
    for (const Cell& cell : cells) {
      double x = cell.x, y = cell.y, at = cell.born;
      const Index first = std::max<Index>(0, static_cast<Index>(std::ceil(cell.born)));
      for (Index t = first; t < options_.frames && static_cast<double>(t) < cell.born + cell.life; ++t) {
        for (const double until = static_cast<double>(t); at < until;) {
          const double step = std::min(1.0, until - at);
          move(x, y, wind, step), at += step;
        }
        const double grown = std::sin(std::numbers::pi * (at - cell.born) / cell.life);
        Cell now = cell;
        now.x = x, now.y = y;
        add(now, cell.peak * grown * grown, clip[t]);
      }
    }
    to_pixels(clip);
    return clip;
  }

  /// The side of the periodic square, in pixels.
  double side() const noexcept { return side_; }
  const Options& options() const noexcept { return options_; }

 private:
  Rng stream(Index index, std::uint64_t purpose) const {
    return Rng::at(options_.seed, static_cast<std::uint64_t>(index), purpose << 32);
  }

  /// A Poisson number: the number of a process' arrivals before `mean`.
  static Index poisson(double mean, Rng& rng) {
    Index count = 0;
    for (double time = -std::log1p(-rng.uniform()); time < mean; time -= std::log1p(-rng.uniform())) ++count;
    return count;
  }

  /// The number of standard deviations from its centre within which a cell's rain is on the scale.
  double sigmas(double peak) const { return peak <= dry_ ? 0 : std::sqrt(2 * std::log(peak / dry_)); }

  /// Moves a point with the wind, by the midpoint rule.
  static void move(double& x, double& y, const Wind& wind, double time) {
    const auto here = wind.at(x, y);
    const auto middle = wind.at(x + time / 2 * here[0], y + time / 2 * here[1]);
    x += time * middle[0], y += time * middle[1];
  }

  /// Adds a cell's rain to a frame (H, W, 1) where it is on the scale: peak · exp(−½ (a dx² + 2 b dx dy + c dy²)).
  void add(const Cell& cell, double peak, Tensor<float> frame) const {
    const double far = sigmas(peak);
    if (far == 0) return;
    // The cell's position relative to the canvas, whose pixel (0, 0) covers 0 to 1.
    const auto seen = [&](double at) { return at - side_ * std::floor((at + largest_) / side_) - 0.5; };
    const double x = seen(cell.x), y = seen(cell.y), cosine = std::cos(cell.angle), sine = std::sin(cell.angle);
    const double square = cell.radius * cell.radius, ratio_of_sides = std::sqrt(options_.stretch);
    const double lengthwise = 1 / (square * ratio_of_sides), crosswise = ratio_of_sides / square;
    const double a = cosine * cosine * lengthwise + sine * sine * crosswise,
                 b = sine * cosine * (lengthwise - crosswise),
                 c = sine * sine * lengthwise + cosine * cosine * crosswise;
    const Index size = options_.canvas;
    const auto low = [](double at) { return std::max<Index>(0, static_cast<Index>(std::ceil(at))); };
    const auto high = [size](double at) { return std::min(size - 1, static_cast<Index>(std::floor(at))); };
    // The ellipse a dx² + 2 b dx dy + c dy² <= far², whose matrix has the determinant 1 / radius⁴
    const double tall = far * square * std::sqrt(a), ratio_change = std::exp(-a);
    for (Index row = low(y - tall), bottom = high(y + tall); row <= bottom; ++row) {
      const double dy = static_cast<double>(row) - y, middle = x - b * dy / a;
      const double wide = std::sqrt(std::max(0.0, far * far - dy * dy / (square * square * a)) / a);
      const Index left = low(middle - wide), right = high(middle + wide);
      const double dx = static_cast<double>(left) - x;
      double rain = peak * std::exp(-0.5 * (a * dx * dx + 2 * b * dx * dy + c * dy * dy));
      double ratio = std::exp(-0.5 * (a * (2 * dx + 1) + 2 * b * dy));  // to the next pixel, itself a geometric series
      float* to = frame.data() + row * size + left;
      for (Index column = left; column <= right; ++column, rain *= ratio, ratio *= ratio_change)
        *to++ += static_cast<float>(rain);
    }
  }

  /// Converts rain in mm/h to pixels, one at a time: a vector's logarithm would be compiled in every program that
  /// includes this header, and GCC 12 does not compile it at -O0.
  void to_pixels(Tensor<float>& rain) const {
    for (float& number : rain) number = number > 0 ? options_.scale.pixel(number) : 0.0F;
  }

  Options options_;
  double dry_;      // mm/h below which rain is off the scale
  double largest_;  // the largest reach of a cell
  double side_;
};

}  // namespace flipbook
