// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include <flipbook/core/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A point that moves straight through the unit square and bounces off its sides, exactly as in the
/// generator of Moving MNIST (Srivastava et al., Unsupervised learning of video representations using
/// LSTMs, 2015): a step that leaves the square ends on its side, with that component of the velocity
/// turned round.
struct BouncingPoint {
  double x, y, vx, vy;

  /// Somewhere in the square, heading anywhere at speed 1.
  static BouncingPoint draw(Rng& rng) {
    const double y = rng.uniform(), x = rng.uniform();
    return heading(x, y, rng.uniform());
  }
  /// At a point, heading somewhere, as a part of a full turn.
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

/// One of a clip's sprites: which image, and the point that it follows.
struct Sprite {
  Index image;
  BouncingPoint point;

  /// Sprite `number` of a clip whose random numbers are `stream`, drawn from `images` images.
  static constexpr Sprite of(const Rng& stream, Index number, Index images) {
    const auto uniform = [&](Index draw) {
      return Rng::unit_pair(stream.block(static_cast<std::uint64_t>(4 * number + draw)))[0];
    };
    return {static_cast<Index>(uniform(0) * static_cast<double>(images)),
            BouncingPoint::heading(uniform(2), uniform(1), uniform(3))};
  }
  /// Where it begins along an axis, as a part of whose free way the point is at `at`.
  static constexpr Index begin(double at, Index free) { return static_cast<Index>(at * static_cast<double>(free)); }
};

}  // namespace flipbook
