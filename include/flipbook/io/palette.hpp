// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <vector>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A colour: red, green and blue, 8 bits each.
using Rgb = std::array<std::uint8_t, 3>;

/// A palette of at most 256 colours.
class Palette {
 public:
  /// Every shade of grey, black first.
  static Palette grey();

  /// The colours of the pixels, if there are at most 256. Otherwise the means of boxes: the box of largest squared
  /// error is split in two where the error decreases most, until there are 256. (Wu, Efficient statistical computations
  /// for optimal color quantization, 1991, on a 5-bit histogram.)
  /// @param pixels  red, green, blue, red, …
  static Palette fit(std::span<const std::uint8_t> pixels);

  const std::vector<Rgb>& colours() const noexcept { return colours_; }

  /// The index of the nearest colour; of several, the first.
  std::uint8_t nearest(const Rgb& colour) const {
    std::int32_t least = std::numeric_limits<std::int32_t>::max();
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(colours_.size()); ++i) {
      const Rgb& other = colours_[static_cast<std::size_t>(i)];
      const std::int32_t r = other[0] - colour[0], g = other[1] - colour[1], b = other[2] - colour[2];
      least = std::min(least, (r * r + g * g + b * b) << 8 | i);  // distance and index in one number: no branch
    }
    return static_cast<std::uint8_t>(least);
  }

 private:
  /// Statistics of pixels: their number, the sum of each channel, the sum of all squares.
  struct Cell {
    double count = 0, squares = 0;
    std::array<double, 3> sum{};

    Cell& operator+=(const Cell& other) {
      count += other.count;
      squares += other.squares;
      for (std::size_t c = 0; c < 3; ++c) sum[c] += other.sum[c];
      return *this;
    }
    /// Σ |x − mean|² = Σ |x|² − |Σ x|² / n
    double error() const {
      return count == 0 ? 0 : squares - (sum[0] * sum[0] + sum[1] * sum[1] + sum[2] * sum[2]) / count;
    }
    Rgb mean() const {
      Rgb colour;
      for (std::size_t c = 0; c < 3; ++c) colour[c] = static_cast<std::uint8_t>(sum[c] / count + 0.5);
      return colour;
    }
  };
  using Box = std::span<Cell>;

  static std::vector<Cell> histogram(std::span<const std::uint8_t> pixels);

  struct Cut {
    double gain = 0;  ///< decrease of the error
    std::size_t axis = 0, place = 0;
  };

  static void sort_along(Box box, std::size_t axis);

  static Cut best_cut(Box box);

  /// Partitions the cells into at most 256 boxes.
  static std::vector<Box> cut(std::vector<Cell>& cells);

  std::vector<Rgb> colours_;
};

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/io/palette.ipp>
#endif
