// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>

#include <flipbook/core/math.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// What a picture is taken to be outside of its pixels, as PyTorch's `padding_mode`: 0, the nearest pixel of the
/// border, or its own reflection.
enum class PaddingMode { zeros, border, reflection };

/// The two pixels along an axis between which a position lies, as whole numbers that are always pixels, and how linear
/// interpolation weighs them.
template <class V>
struct Neighbours {
  V low, high;
  V fraction;           ///< how far from `low`, 0 to 1
  V slope;              ///< the derivative of the fraction by what the position was given as
  V has_low, has_high;  ///< 0 where the neighbour lies outside, among zeros; 1 elsewhere

  /// The weights, or their derivatives of this order.
  constexpr V low_weight(int order) const {
    return order == 0 ? (V(1) - fraction) * has_low : order == 1 ? -slope * has_low : V(0);
  }
  constexpr V high_weight(int order) const {
    return order == 0 ? fraction * has_high : order == 1 ? slope * has_high : V(0);
  }
};

/// An axis of pixels whose centres lie at 0 … extent − 1, and how positions along it are given.
struct SampledAxis {
  Index extent = 1;
  double scale = 1, offset = 0;  ///< a position is scale · (what is given) + offset, in pixels
  PaddingMode padding = PaddingMode::zeros;
  bool edges = true;  ///< a reflection is about the outer edges of the first and last pixel, otherwise their centres
  int order = 0;      ///< of the derivative by what is given

  /// Of what positions that are NaN, or reflected from infinity, the fraction and the slope are NaN.
  template <class V>
  constexpr Neighbours<V> at(const V& given) const {
    const V zero(0), one(1), last = constant<V>(static_cast<double>(extent - 1));
    V position = given * constant<V>(scale) + constant<V>(offset), slope = constant<V>(scale);
    if (padding == PaddingMode::reflection) reflect(position, slope);
    // The second operand of max is what a NaN becomes.
    const bool zeros = padding == PaddingMode::zeros;
    const V inside = math::min(math::max(position, zeros ? V(-2) : zero), zeros ? last + one : last);
    const V low = floor_of_small(inside);
    V has_low = one, has_high = one;
    if (zeros) {
      has_low = math::select(low < zero, zero, math::select(low > last, zero, one));
      has_high = math::select(low < -one, zero, math::select(low + one > last, zero, one));
    } else {
      slope = math::select(position > zero, math::select(position < last, slope, zero), zero);
    }
    const auto is_number = position == position;
    const V at_least = math::max(low, zero), above = math::max(low + one, zero);
    return {math::min(at_least, last),
            math::min(above, last),
            math::select(is_number, inside - low, position),
            math::select(is_number, slope, position),
            has_low,
            has_high};
  }

 private:
  /// `math::floor` of what is not NaN, nor beyond all fractions.
  template <class V>
  static constexpr V floor_of_small(const V& x) {
    if constexpr (std::floating_point<V>) return std::floor(x);
    else return xsimd::floor(x);
  }
  /// A position between the two mirrors, where it lies among the reflections of the picture: a triangle wave.
  template <class V>
  constexpr void reflect(V& position, V& slope) const {
    const double first = edges ? -0.5 : 0, span = static_cast<double>(edges ? extent : extent - 1);
    if (span == 0) return;  // one pixel: it is at either mirror
    const V start = constant<V>(first), one_way = constant<V>(span), both_ways = constant<V>(2 * span);
    const V from_first = position - start;
    const V wave = from_first - both_ways * math::floor(from_first / both_ways);
    const auto returning = wave > one_way;
    position = math::select(returning, both_ways - wave, wave) + start;
    slope = math::select(returning, -slope, slope);
  }
};

/// Pictures (frames, H, W, C) sampled by bilinear interpolation at positions (frames, samples, 2), each the position
/// along the width and then along the height, or by a derivative of it: the axes' orders say which.
struct Sampling {
  Index frames = 1, samples = 1, channels = 1;
  SampledAxis across, down;
  /// If any, positions are given from sample s's own place: column s % own_columns and row s / own_columns.
  Index own_columns = 0;

  constexpr Index pixels() const { return across.extent * down.extent; }
  constexpr Index column_of(Index sample) const { return own_columns > 0 ? sample % own_columns : 0; }
  constexpr Index row_of(Index sample) const { return own_columns > 0 ? sample / own_columns : 0; }
  constexpr Sampling derivative_across() const {
    Sampling s = *this;
    ++s.across.order;
    return s;
  }
  constexpr Sampling derivative_down() const {
    Sampling s = *this;
    ++s.down.order;
    return s;
  }
};

}  // namespace flipbook
