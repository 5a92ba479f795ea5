// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>

#include <flipbook/ops/resample/linear.hpp>
#include <flipbook/ops/resample/pool.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

/// Grids of a clip in time, height and width, from the coarsest to the finest, which is the whole grid:
///
///     Scales<Extent{1, 1, 1}, Extent{1, 2, 2}, Extent{2, 4, 4}, Extent{4, 8, 8}>
///
/// No scale is finer than the next, and each divides the whole grid: a coarser scale is a mean over blocks.
template <Extent... Each>
struct Scales {
  static_assert(sizeof...(Each) > 0, "Scales<…>: needs at least one scale");
  static constexpr int count = sizeof...(Each);
  static constexpr std::array<Extent, sizeof...(Each)> each{Each...};
  static constexpr Extent whole = each.back();

  static constexpr const Extent& at(int scale) { return each[static_cast<std::size_t>(scale)]; }
  /// Number of positions of a scale.
  static constexpr int places(int scale) { return at(scale).t * at(scale).h * at(scale).w; }
  /// Total number of positions of the coarsest `scales` scales.
  static constexpr int places_of_first(int scales) {
    return scales == 0 ? 0 : places_of_first(scales - 1) + places(scales - 1);
  }
  static constexpr int length = places_of_first(count);  ///< positions of all scales
  /// The number of coarsest scales with this total number of positions; −1 if there is none.
  static constexpr int with_places(Index places) {
    for (int scales = 1; scales <= count; ++scales) {
      if (places_of_first(scales) == places) return scales;
    }
    return -1;
  }

  /// Downsamples the whole grid to a scale, by the mean over every block: (N, T, H, W, C) → (N, t, h, w, C).
  template <Value X>
  static X down(const X& x, int scale) {
    const Extent& to = at(scale);
    if (to == whole) return x;
    return avg_pool(x, Extent(whole.t / to.t, whole.h / to.h, whole.w / to.w));
  }
  /// Upsamples a scale to the whole grid, by linear interpolation: (N, t, h, w, C) → (N, T, H, W, C).
  template <Value X>
  static X up(const X& x, int scale) {
    if (at(scale) == whole) return x;
    return resize_linear(x, whole);
  }

 private:
  static constexpr bool grow() {
    for (int i = 0; i < count; ++i) {
      for (int axis = 0; axis < 3; ++axis) {
        if (at(i)[axis] < 1 || whole[axis] % at(i)[axis] != 0) return false;
        if (i > 0 && at(i)[axis] < at(i - 1)[axis]) return false;
      }
    }
    return true;
  }
  static_assert(grow(), "Scales<…>: each scale must divide the last one, and none be finer than the next");
};

namespace detail {
template <class S>
inline constexpr bool is_scales = false;
template <Extent... Each>
inline constexpr bool is_scales<Scales<Each...>> = true;
}  // namespace detail

/// The type is a Scales<…>.
template <class S>
concept ScaleList = detail::is_scales<S>;

/// A quantizer or a model of codes with several scales, `ScalesOf`. The codes of all scales are concatenated, the
/// coarsest first: (N, ScalesOf::length).
template <class Q>
concept OfScales = ScaleList<typename Q::ScalesOf>;

}  // namespace flipbook::quantizer
