// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/data/paint.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A person seen from the side, who walks or runs with two legs and two arms in opposite phase. Lengths are pixels.
struct Walker {
  double height;
  double feet;  ///< row of the feet
  Colour shirt, trousers, skin;

  static Walker draw(Rng& rng, double height, double feet) {
    const auto colour = [&](double low, double high) {
      const auto part = [&] { return static_cast<float>(rng.uniform(low, high)); };
      const float red = part(), green = part();
      return Colour{red, green, part()};
    };
    const Colour shirt = colour(0.15, 0.95), trousers = colour(0.08, 0.35);
    const auto tone = static_cast<float>(rng.uniform(0.45, 1));
    return {height, feet, shirt, trousers, {0.95F * tone, 0.76F * tone, 0.62F * tone}};
  }

  /// @param x       column of the hips
  /// @param phase   of the stride, in cycles: the legs are furthest apart at 0 and ½
  /// @param swing   largest angle of a leg from the vertical
  /// @param facing  +1 to the right, −1 to the left
  void paint_at(const Tensor<float>& frame, double x, double phase, double swing, double facing) const {
    const double turn = 2 * std::numbers::pi * phase, leg = 0.46 * height, arm = 0.34 * height;
    const double angle = swing * std::cos(turn), hips = feet - leg * std::cos(angle), neck = hips - 0.3 * height;
    const double lean = facing * 0.12 * swing * height;
    for (const double side : {-1.0, 1.0}) {
      limb(frame, trousers, x, hips, leg, facing * side * angle, 0.055 * height);
    }
    limb(frame, darker(shirt), x + lean, neck + 0.04 * height, arm, facing * angle, 0.04 * height);
    paint::segment(frame, shirt, x, hips - 0.02 * height, x + lean, neck + 0.03 * height, 0.085 * height);
    limb(frame, darker(shirt), x + lean, neck + 0.04 * height, arm, -facing * angle, 0.04 * height);
    paint::disc(frame, skin, x + 1.2 * lean, neck - 0.12 * height, 0.09 * height);
  }

 private:
  static void limb(const Tensor<float>& frame, const Colour& colour, double x, double y, double length, double angle,
                   double radius) {
    paint::segment(frame, colour, x, y, x + length * std::sin(angle), y + length * std::cos(angle), radius);
  }
  static Colour darker(Colour colour) {
    for (float& part : colour) part *= 0.75F;
    return colour;
  }
};

}  // namespace flipbook
