// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/panels.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The kernel with fewer vector operations for each row of output. `run` is the contiguous length of the reduction,
/// which has `depth` steps.
template <Multiplicand F, class T = Sum<F>>
PanelKind cheaper_kind(Index depth, Index run, Index columns) {
  if (!std::same_as<F, T> || run == 0 || depth == 0) return PanelKind::columns;
  const Index broadcast = depth * quotient_up(columns, lanes<T>);
  const Index partial = run % lanes<T> == 0 ? 0 : masked_vectors ? 1 : 2;  // vectors that a run's end costs, about
  const Index sum_up = 8;                                                  // and the sum over a vector's lanes
  const Index dot = columns * (depth / run * (run / lanes<T> + partial) + sum_up);
  return dot * 5 < broadcast * 4 ? PanelKind::reduction : PanelKind::columns;
}

/// Rows on the left up to which packing the right operand does not pay: if packing transposes it, and if its rows are
/// those of a panel.
inline constexpr Index few_uses = 16, few_uses_of_rows = 128;

/// The best layout of the right operand of a product with `uses` rows on its left: in place, if it is stored along the
/// reduction and has few uses.
template <Multiplicand F>
PanelKind best_kind(Layout layout, Index depth, Index run, Index columns, Index uses) {
  const bool as_it_is = layout == Layout::transposed && uses <= few_uses;
  return as_it_is ? PanelKind::reduction : cheaper_kind<F>(depth, run, columns);
}

/// The right operand of a product with `uses` rows on its left: packed, or in place if it has too few uses for packing
/// to pay.
template <Multiplicand F>
class RightOperand {
  using T = Sum<F>;

 public:
  /// The operand is (rows, columns) in factors, from the numbers at `from`. `run` is the contiguous length of the
  /// reduction on the left.
  RightOperand(Layout layout, Index rows, Index columns, const T* from, Index pitch, Index run, Index uses)
      : panels_(arranged(layout, rows, columns, from, pitch, run, uses)),
        packed_(panels_.data == nullptr   ? panels_.packed_size()
                : panels_.last != nullptr ? rows * panel_columns<F>
                                          : 0) {
    if (panels_.data == nullptr) {
      panels_.data = packed_.data();
      parallel_for(rows, 32, [&](Index first, Index last) {
        pack_rows(panels_, packed_.data(), first, last - first, layout,
                  from + first * numbers_in<F> * (layout == Layout::normal ? pitch : 1), pitch);
      });
    } else if (panels_.last != nullptr) {
      const Index whole = columns / panel_columns<F> * panel_columns<F>;
      Panels<F> edge;
      edge.rows = rows, edge.columns = columns - whole;
      pack_rows(edge, packed_.data(), 0, rows, layout, from + whole, pitch);
      panels_.last = packed_.data();
    }
  }
  const Panels<F>& panels() const { return panels_; }

 private:
  static Panels<F> arranged(Layout layout, Index rows, Index columns, const T* from, Index pitch, Index run,
                            Index uses) {
    Panels<F> panels;
    panels.rows = rows, panels.columns = columns;
    if constexpr (std::same_as<F, T>) {  // pairs are always packed
      panels.kind = best_kind<F>(layout, rows, run, columns, uses);
      if (layout == Layout::transposed && panels.kind == PanelKind::reduction) {
        panels.data = from, panels.pitch = pitch;
      } else if (panels.kind == PanelKind::reduction) {
        panels.pitch = rows;
      } else if (uses <= few_uses_of_rows && layout == Layout::normal) {
        panels.data = from, panels.pitch = pitch;
        if (columns % lanes<T> != 0) panels.last = from;  // until it is packed
      }
    }
    return panels;
  }

  Panels<F> panels_;
  Scratch<F> packed_;
};

}  // namespace flipbook::cpu
