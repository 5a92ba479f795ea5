#pragma once

#include <algorithm>
#include <memory>
#include <span>

#include <flipbook/backend/cpu/gemm/tile.hpp>
#include <flipbook/backend/cpu/runtime/scratch.hpp>
#include <flipbook/backend/cpu/simd/transpose.hpp>
#include <flipbook/core/parallel.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Room for each thread of the loop that follows, asked for before it, since a loop must not throw.
template <class T>
class PerThread {
 public:
  explicit PerThread(Index count) : count_(count), room_(count * (nested() ? 1 : threads())) {}
  T* mine() const noexcept {
#ifdef _OPENMP
    if (!nested_) return room_.data() + count_ * omp_get_thread_num();
#endif
    return room_.data();
  }

 private:
  static bool nested() noexcept {
#ifdef _OPENMP
    return omp_in_parallel() != 0;
#else
    return true;
#endif
  }
  bool nested_ = nested();
  Index count_;
  Scratch<T> room_;
};

/// A list of works in memory of the pool.
template <class Work>
class WorkList {
 public:
  explicit WorkList(Index capacity) : room_(capacity) {}
  template <class... Arguments>
  void add(const Arguments&... arguments) {
    std::construct_at(room_.data() + size_++, arguments...);
  }
  std::span<Work> all() const { return {room_.data(), static_cast<std::size_t>(size_)}; }

 private:
  Scratch<Work> room_;
  Index size_ = 0;
};

/// Runs works that consist of independent tasks, each work(task, workspace), as one parallel loop; they are
/// divided until there are several tasks for every thread. A thread has `workspace` numbers for itself. Works
/// take turns: the phases of a transposed convolution read the same pixels one after another.
template <class T, class Work>
void run_tasks(std::span<Work> works, Index workspace) {
  const auto most = [&] {
    Index tasks = 0;
    for (const Work& work : works) tasks = std::max(tasks, work.tasks());
    return tasks;
  };
  const auto count = static_cast<Index>(works.size());
  Index turns = most();
  for (bool divided = threads() > 1; divided && turns > 0 && turns * count < 4 * threads(); turns = most()) {
    divided = false;
    for (Work& work : works) divided |= work.divide();
  }
  if (turns == 0) return;
  const PerThread<T> workspaces(workspace);
  parallel_tasks(turns * count, [&](Index i) {
    const Work& work = works[static_cast<std::size_t>(i % count)];
    if (i / count < work.tasks()) work(i / count, workspaces.mine());
  });
}

constexpr Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }
constexpr Index round_up(Index a, Index b) { return quotient_up(a, b) * b; }

/// Numbers as factors of a reduction along them.
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

/// The right operand, `rows` × `columns`, cut into panels of columns; the rows are of factors.
template <Multiplicand F>
struct Panels {
  PanelKind kind = PanelKind::columns;
  Index rows = 0, columns = 0;
  const F* data = nullptr;  ///< packed by pack_rows, or in place
  /// Between a panel's rows in place (0: they are packed), or between its columns (kind reduction).
  Index pitch = 0;
  /// Between the rows of neighbouring taps of a convolution, unless those follow one after another.
  std::array<Index, 3> tap_pitch{0, 0, 0};
  const F* last = nullptr;  ///< the last panel, packed, where the others lie in place and it is not whole

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
  /// Numbers that all panels take when they are packed.
  Index packed_size() const { return rows * (kind == PanelKind::columns ? round_up(columns, lanes<Sum<F>>) : columns); }
};

/// How the rows and columns of an operand of a product lie in memory.
enum class Layout {
  normal,     ///< element (i, j) at i · pitch + j
  transposed  ///< element (i, j) at j · pitch + i
};

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

/// The same for pairs: rows [first, first + count) of pairs, in panels of columns.
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

/// Which kernel costs fewer vector operations for each row of output: `run` is what the reduction of `depth`
/// is contiguous for.
template <Multiplicand F, class T = Sum<F>>
PanelKind cheaper_kind(Index depth, Index run, Index columns) {
  if (!std::same_as<F, T> || run == 0 || depth == 0) return PanelKind::columns;
  const Index broadcast = depth * quotient_up(columns, lanes<T>);
  const Index partial = run % lanes<T> == 0 ? 0 : 2;        // a run's end costs about so many vectors
  const Index sum_up = 8;                                    // and the sum over a vector's lanes
  const Index dot = columns * (depth / run * (run / lanes<T> + partial) + sum_up);
  return dot * 5 < broadcast * 4 ? PanelKind::reduction : PanelKind::columns;
}

/// Rows on the left for which it does not pay to pack the right operand: where that would turn it, and where its rows
/// are what a panel has.
inline constexpr Index few_uses = 16, few_uses_of_rows = 128;

/// How the right operand of a product with `uses` rows on its left is laid out best: where it is stored along the
/// reduction, and used seldom, as it is.
template <Multiplicand F>
PanelKind best_kind(Layout layout, Index depth, Index run, Index columns, Index uses) {
  const bool as_it_is = layout == Layout::transposed && uses <= few_uses;
  return as_it_is ? PanelKind::reduction : cheaper_kind<F>(depth, run, columns);
}

/// The right operand of a product with `uses` rows on its left: packed, or in place where it is used too
/// seldom for packing to pay.
template <Multiplicand F>
class RightOperand {
  using T = Sum<F>;

 public:
  /// The operand is (rows, columns) of factors, of numbers at `from`, the reduction contiguous on the left for `run`.
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
