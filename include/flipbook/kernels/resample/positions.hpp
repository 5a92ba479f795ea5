// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>

#include <flipbook/core/math.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The values of a frame outside its borders, as PyTorch's `padding_mode`: 0, the nearest pixel of the border, or the
/// frame's reflection.
enum class PaddingMode { zeros, border, reflection };

/// The two pixels next to a position along an axis, as whole numbers within the axis, and their weights in linear
/// interpolation.
template <class V>
struct Neighbours {
  V low, high;
  V fraction;           ///< distance from `low`, 0 to 1
  V slope;              ///< derivative of the fraction with respect to the given position
  V has_low, has_high;  ///< 0 if the neighbour is outside and padding is zeros, otherwise 1

  /// The weights, or their derivatives of this order.
  constexpr V low_weight(int order) const {
    return order == 0 ? (V(1) - fraction) * has_low : order == 1 ? -slope * has_low : V(0);
  }
  constexpr V high_weight(int order) const {
    return order == 0 ? fraction * has_high : order == 1 ? slope * has_high : V(0);
  }
};

/// An axis of pixels with centres at 0 … extent − 1, and the units in which positions along it are given.
struct SampledAxis {
  Index extent = 1;
  double scale = 1, offset = 0;  ///< a position in pixels is scale · (the given position) + offset
  PaddingMode padding = PaddingMode::zeros;
  bool edges = true;  ///< reflection is at the outer edges of the first and last pixel, otherwise at their centres
  int order = 0;      ///< of the derivative with respect to the given position

  /// The neighbours of a position. The fraction and the slope are NaN if it is NaN, or infinite and reflected.
  template <class V>
  constexpr Neighbours<V> at(const V& given) const {
    const V zero(0), one(1), last = constant<V>(static_cast<double>(extent - 1));
    V position = given * constant<V>(scale) + constant<V>(offset), slope = constant<V>(scale);
    if (padding == PaddingMode::reflection) reflect(position, slope);
    // max replaces a NaN by its second operand.
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
  /// `math::floor` of a number that is not NaN and is small enough to have a fraction.
  template <class V>
  static constexpr V floor_of_small(const V& x) {
    if constexpr (std::floating_point<V>) return std::floor(x);
    else return xsimd::floor(x);
  }
  /// Reflects a position to between the two borders, by a triangle wave.
  template <class V>
  constexpr void reflect(V& position, V& slope) const {
    const double first = edges ? -0.5 : 0, span = static_cast<double>(edges ? extent : extent - 1);
    if (span == 0) return;  // one pixel, which is at both borders
    const V start = constant<V>(first), one_way = constant<V>(span), both_ways = constant<V>(2 * span);
    const V from_first = position - start;
    const V wave = from_first - both_ways * math::floor(from_first / both_ways);
    const auto returning = wave > one_way;
    position = math::select(returning, both_ways - wave, wave) + start;
    slope = math::select(returning, -slope, slope);
  }
};

/// Frames (frames, H, W, C) sampled by bilinear interpolation at positions (frames, samples, 2), along the width and
/// then along the height, or by a derivative of the interpolation of the axes' orders.
struct Sampling {
  Index frames = 1, samples = 1, channels = 1;
  SampledAxis across, down;
  /// Unless 0, positions are relative to sample s's own pixel: column s % own_columns and row s / own_columns.
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
