// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/palette.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

FLIPBOOK_INLINE Palette Palette::grey() {
  Palette palette;
  for (int shade = 0; shade < 256; ++shade) {
    const auto value = static_cast<std::uint8_t>(shade);
    palette.colours_.push_back({value, value, value});
  }
  return palette;
}

FLIPBOOK_INLINE Palette Palette::fit(std::span<const std::uint8_t> pixels) {
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

FLIPBOOK_INLINE std::vector<Palette::Cell> Palette::histogram(std::span<const std::uint8_t> pixels) {
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

FLIPBOOK_INLINE void Palette::sort_along(Box box, std::size_t axis) {
  std::sort(box.begin(), box.end(), [axis](const Cell& a, const Cell& b) {
    // Cells are compared by means; ties by what they sum to, so that the order is the same everywhere.
    return a.sum[axis] * b.count != b.sum[axis] * a.count ? a.sum[axis] * b.count < b.sum[axis] * a.count
                                                          : a.sum < b.sum;
  });
}

FLIPBOOK_INLINE Palette::Cut Palette::best_cut(Box box) {
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

FLIPBOOK_INLINE std::vector<Palette::Box> Palette::cut(std::vector<Cell>& cells) {
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

}  // namespace flipbook
