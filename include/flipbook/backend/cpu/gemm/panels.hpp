// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cpu/gemm/tile.hpp>
#include <flipbook/backend/cpu/runtime/rounding.hpp>
#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/backend/cpu/simd/transpose.hpp>
#include <flipbook/core/parallel.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Consecutive numbers of a reduction as factors.
template <Multiplicand F>
class Multiplicands {
  using T = Sum<F>;
  static constexpr bool as_they_are = std::same_as<F, T>;

 public:
  Multiplicands(const T* numbers, Index count) : numbers_(numbers), rounded_(as_they_are ? 0 : count / numbers_in<F>) {
    if constexpr (!as_they_are) {
      constexpr Index each = numbers_in<F>;
      parallel_for(count / each, 8192, [&](Index first, Index last) {
        write_factors(numbers + first * each, (last - first) * each, rounded_ + first);
      });
    }
  }
  const F* data() const {
    if constexpr (as_they_are) return numbers_;
    else return rounded_.data();
  }

 private:
  const T* numbers_;
  Scratch<F> rounded_;
};

/// The right operand, `rows` × `columns`, in panels of columns; rows are in factors.
template <Multiplicand F>
struct Panels {
  PanelKind kind = PanelKind::columns;
  Index rows = 0, columns = 0;
  const F* data = nullptr;  ///< packed by pack_rows, or in place
  /// Distance between a panel's rows in place (0: they are packed), or between its columns (kind reduction).
  Index pitch = 0;
  /// Distance between the rows of adjacent taps of a convolution, or zeros if taps are consecutive.
  std::array<Index, 3> tap_pitch{0, 0, 0};
  const F* last = nullptr;  ///< the last panel, packed, if it is not whole and the others are in place

  Index width() const { return kind == PanelKind::columns ? panel_columns<F> : Index{TileShape::dot_columns}; }
  Index count() const { return quotient_up(columns, width()); }
  int tile_rows() const { return kind == PanelKind::columns ? TileShape::rows : TileShape::dot_rows; }

  Index first_column(Index i) const { return i * width(); }
  Panel<F> panel(Index i) const {
    const Index first = first_column(i), present = std::min(width(), columns - first);
    if (kind == PanelKind::reduction) return {kind, data + first * pitch, pitch, present};
    const Index packed = round_up(present, lanes<Sum<F>>);
    if (pitch == 0) return {kind, data + first * rows, packed, present};
    if (last != nullptr && present < width()) return {kind, last, packed, present};
    return {kind, data + first, pitch, present};
  }
  /// Size of all panels when they are packed.
  Index packed_size() const { return rows * (kind == PanelKind::columns ? round_up(columns, lanes<Sum<F>>) : columns); }
};

/// The memory layout of an operand of a product.
enum class Layout {
  normal,     ///< element (i, j) at i · pitch + j
  transposed  ///< element (i, j) at j · pitch + i
};
constexpr Layout other(Layout layout) { return layout == Layout::normal ? Layout::transposed : Layout::normal; }

/// Writes rows [first, first + count) of the right operand into packed panels; `from` is its row `first`.
/// Columns past the last are zero.
template <Real T>
void pack_rows(const Panels<T>& panels, T* packed, Index first, Index count, Layout layout, const T* from,
               Index pitch) {
  const Index across = layout == Layout::normal ? 1 : pitch;
  if (panels.kind == PanelKind::reduction) {
    if (layout == Layout::normal) return transpose(from, pitch, count, panels.columns, packed + first, panels.rows);
    for (Index j = 0; j < panels.columns; ++j) std::copy_n(from + j * pitch, count, packed + j * panels.rows + first);
    return;
  }
  for (Index j = 0; j < panels.columns; j += panel_columns<T>) {
    const Index present = std::min(panel_columns<T>, panels.columns - j), step = round_up(present, lanes<T>);
    T* to = packed + j * panels.rows + first * step;
    const T* source = from + j * across;
    if (layout == Layout::normal) {
      for (Index k = 0; k < count; ++k, to += step, source += pitch) {
        std::fill(std::copy_n(source, present, to), to + step, T(0));
      }
    } else {
      transpose(source, pitch, present, count, to, step);
      for (Index k = 0; k < count; ++k, to += step) std::fill(to + present, to + step, T(0));
    }
  }
}

/// `pack_rows` for rows [first, first + count) of pairs, in panels of columns.
template <std::same_as<BfloatPair> F>
void pack_rows(const Panels<F>& panels, F* packed, Index first, Index count, Layout layout, const float* from,
               Index pitch) {
  constexpr Index width = panel_columns<F>, some = 16;
  alignas(64) std::array<float, static_cast<std::size_t>(2 * some * width)> numbers;
  const auto [down, across] = layout == Layout::normal ? std::array{pitch, Index{1}} : std::array{Index{1}, pitch};
  for (Index j = 0; j < panels.columns; j += width) {
    Panels<float> panel;
    panel.columns = std::min(width, panels.columns - j);
    const Index step = round_up(panel.columns, lanes<float>);
    F* to = packed + j * panels.rows + first * step;
    if (layout == Layout::normal && panel.columns == step) {
      pair_rows(from + j, pitch, count, step, to, step);
      continue;
    }
    for (Index k = 0; k < count; k += some) {
      const Index pairs = std::min(some, count - k);
      panel.rows = 2 * pairs;
      pack_rows(panel, numbers.data(), 0, panel.rows, layout, from + 2 * k * down + j * across, pitch);
      pair_rows(numbers.data(), step, pairs, step, to, step);
      to += pairs * step;
    }
  }
}

}  // namespace flipbook::cpu
