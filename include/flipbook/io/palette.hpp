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

/// At most 256 colours to stand for all.
class Palette {
 public:
  /// Every shade of grey, black first.
  static Palette grey() {
    Palette palette;
    for (int shade = 0; shade < 256; ++shade) {
      const auto value = static_cast<std::uint8_t>(shade);
      palette.colours_.push_back({value, value, value});
    }
    return palette;
  }

  /// The colours that are there, if they are at most 256. Otherwise means of boxes: the box of largest
  /// squared error is cut in two, where the error falls the most, until there are 256.
  /// (Wu, Efficient statistical computations for optimal color quantization, 1991, on a 5-bit histogram.)
  /// @param pixels  red, green, blue, red, …
  static Palette fit(std::span<const std::uint8_t> pixels) {
    Palette palette;
    std::set<Rgb> distinct;
    for (std::size_t i = 0; i + 2 < pixels.size() && distinct.size() <= 256; i += 3)
      distinct.insert({pixels[i], pixels[i + 1], pixels[i + 2]});
    if (distinct.size() <= 256) {
      palette.colours_.assign(distinct.begin(), distinct.end());
      return palette;
    }
    std::vector<Cell> cells = histogram(pixels);
    for (const auto& box : cut(cells)) {
      Cell sum;
      for (const Cell& cell : box) sum += cell;
      palette.colours_.push_back(sum.mean());
    }
    return palette;
  }

  const std::vector<Rgb>& colours() const noexcept { return colours_; }

  /// The place of the colour nearest to this one; of several, the first.
  std::uint8_t nearest(const Rgb& colour) const {
    std::int32_t least = std::numeric_limits<std::int32_t>::max();
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(colours_.size()); ++i) {
      const Rgb& other = colours_[static_cast<std::size_t>(i)];
      const std::int32_t r = other[0] - colour[0], g = other[1] - colour[1], b = other[2] - colour[2];
      least = std::min(least, (r * r + g * g + b * b) << 8 | i);  // distance and place as one number: no branch
    }
    return static_cast<std::uint8_t>(least);
  }

 private:
  /// Pixels taken together: how many, the sum of each channel, the sum of all squares.
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

  static std::vector<Cell> histogram(std::span<const std::uint8_t> pixels) {
    std::vector<Cell> cells(1 << 15);
    for (std::size_t i = 0; i + 2 < pixels.size(); i += 3) {
      const std::size_t r = pixels[i], g = pixels[i + 1], b = pixels[i + 2];
      cells[r >> 3 << 10 | g >> 3 << 5 | b >> 3] +=
          Cell{1,
               static_cast<double>(r * r + g * g + b * b),
               {static_cast<double>(r), static_cast<double>(g), static_cast<double>(b)}};
    }
    std::erase_if(cells, [](const Cell& cell) { return cell.count == 0; });
    return cells;
  }

  struct Cut {
    double gain = 0;  ///< by how much the error falls
    std::size_t axis = 0, place = 0;
  };

  static void sort_along(Box box, std::size_t axis) {
    std::sort(box.begin(), box.end(), [axis](const Cell& a, const Cell& b) {
      // Cells are compared by means; ties by what they sum to, so that the order is the same everywhere.
      return a.sum[axis] * b.count != b.sum[axis] * a.count ? a.sum[axis] * b.count < b.sum[axis] * a.count
                                                            : a.sum < b.sum;
    });
  }

  static Cut best_cut(Box box) {
    Cut best;
    std::vector<double> after(box.size() + 1);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      sort_along(box, axis);
      Cell tail, head;
      for (std::size_t i = box.size(); i-- > 0;) after[i] = (tail += box[i]).error();
      for (std::size_t i = 1; i < box.size(); ++i) {
        const double gain = after[0] - (head += box[i - 1]).error() - after[i];
        if (gain > best.gain) best = {gain, axis, i};
      }
    }
    return best;
  }

  /// The cells in at most 256 boxes.
  static std::vector<Box> cut(std::vector<Cell>& cells) {
    std::vector<Box> boxes{cells};
    std::vector<Cut> cuts{best_cut(boxes[0])};
    while (boxes.size() < 256) {
      const auto best =
          std::max_element(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) { return a.gain < b.gain; });
      if (best->gain <= 0) break;
      const Box box = boxes[static_cast<std::size_t>(best - cuts.begin())];
      sort_along(box, best->axis);
      const Box head = box.first(best->place), tail = box.subspan(best->place);
      boxes[static_cast<std::size_t>(best - cuts.begin())] = head;
      *best = best_cut(head);
      boxes.push_back(tail);
      cuts.push_back(best_cut(tail));
    }
    return boxes;
  }

  std::vector<Rgb> colours_;
};

}  // namespace flipbook
