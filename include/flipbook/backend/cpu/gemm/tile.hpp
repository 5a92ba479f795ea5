// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/gemm/multiplicand.hpp>

/// The micro-kernels of every matrix product and convolution: a tile of outputs stays in registers while runs of input
/// are multiplied and added to it. They read the left operand in place, through one pointer for each row of the tile,
/// so that images, borders, strides and transposes differ only in those pointers.
///
///                                  │ number k of the panel: two vectors of columns
///                                  ▼
///     row 0 ───► number k ───►  ┌─────────────┐
///      …                        │ sums so far │  one register for each row and vector
///     row 7 ───► number k ───►  └─────────────┘

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The use of the machine's registers: accumulators, the right operand's vectors, and one for the broadcast number.
struct TileShape {
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr int registers = 32;
#else
  static constexpr int registers = 16;
#endif
  static constexpr int rows = registers == 32 ? 8 : 6, vectors = 2;  ///< of a tile of rows times panel
  static constexpr int dot_rows = registers == 32 ? 8 : 4, dot_columns = 3;
  static constexpr int few_rows = 4;  ///< for the remaining rows at the bottom
  static constexpr int max_rows = 8;
};

/// Columns of a whole panel.
template <Multiplicand F>
inline constexpr Index panel_columns = lanes<Sum<F>>* TileShape::vectors;

/// The longest run, and the number of zeros that are read in place of pixels outside an image.
inline constexpr Index longest_run = 512;
template <Multiplicand F>
alignas(64) inline constexpr std::array<F, longest_run> zero_row{};

/// Keeps the compiler from loading x again for each of its uses.
template <class V>
void keep_in_register([[maybe_unused]] V& x) {
#if defined(__GNUC__) && defined(__x86_64__)
  asm("" : "+v"(x.data));
#endif
}

/// `length` steps of the reduction: every row of a tile reads contiguous or evenly spaced memory, and the right operand
/// is read from its row `k` on.
template <Multiplicand F>
struct Run {
  Index k, length;
  std::array<const F*, TileShape::max_rows> rows;
};

/// The initial values and the output of each row of a tile.
template <Real T>
struct TileRows {
  std::array<const T*, TileShape::max_rows> from;
  std::array<T*, TileShape::max_rows> to;
};

/// to[i][j] = from[i][j] + Σ_runs Σ_p rows[i][p·step] · panel[(k + p)·panel_step + j]: the columns are the
/// vector, the rows' numbers are broadcast.
template <Multiplicand F, int rows, int vectors>
void rows_times_panel(const Run<F>* runs, Index count, Index step, const F* panel, Index panel_step,
                      const TileRows<Sum<F>>& tile) {
  using T = Sum<F>;
  using V = Simd<T>;
  constexpr Index width = lanes<T>;
  V sum[rows][vectors];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    const T* const from = tile.from[static_cast<std::size_t>(i)];
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) sum[i][j] = V::load_unaligned(from + j * width);
  }
  for (const Run<F>* run = runs; run != runs + count; ++run) {
    const F* left[rows];
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) left[i] = run->rows[static_cast<std::size_t>(i)];
    const F* right = panel + run->k * panel_step;
    const Index end = run->length * step;
    for (Index at = 0; at < end; at += step, right += panel_step) {
      V column[vectors];
      FLIPBOOK_UNROLL
      for (int j = 0; j < vectors; ++j) column[j] = load(right + j * width);
      FLIPBOOK_UNROLL
      for (int i = 0; i < rows; ++i) {
        const V x = broadcast(left[i][at]);
        FLIPBOOK_UNROLL
        for (int j = 0; j < vectors; ++j) sum[i][j] = add_product<F>(x, column[j], sum[i][j]);
      }
    }
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < vectors; ++j) sum[i][j].store_unaligned(tile.to[static_cast<std::size_t>(i)] + j * width);
  }
}

/// sum[i][j] += the products, lane by lane, of a vector of each row with one of each column.
template <Real T, int rows, int columns, class Load>
[[gnu::always_inline]] inline void add_products(Simd<T> (&sum)[rows][columns], const T* const (&left)[rows],
                                                const T* const (&right)[columns], Index p, const Load& load) {
  Simd<T> column[columns];
  FLIPBOOK_UNROLL
  for (int j = 0; j < columns; ++j) column[j] = load(right[j] + p);
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    const Simd<T> x = load(left[i] + p);
    FLIPBOOK_UNROLL
    for (int j = 0; j < columns; ++j) sum[i][j] = multiply_add(x, column[j], sum[i][j]);
  }
}

/// to[i][j] = from[i][j] + Σ_runs Σ_p rows[i][p] · panel[j·panel_step + k + p]: the reduction is the vector,
/// for fewer columns than would fill one.
template <Real T, int rows, int columns>
void rows_dot_columns(const Run<T>* runs, Index count, Index /*step: 1*/, const T* panel, Index panel_step,
                      const TileRows<T>& tile) {
  using V = Simd<T>;
  constexpr Index width = lanes<T>;
  V sum[rows][columns];
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < columns; ++j) sum[i][j] = V(T(0));
  }
  const auto begin = [&](const Run<T>& run, const T*(&left)[rows], const T*(&right)[columns]) {
    FLIPBOOK_UNROLL
    for (int i = 0; i < rows; ++i) left[i] = run.rows[static_cast<std::size_t>(i)];
    FLIPBOOK_UNROLL
    for (int j = 0; j < columns; ++j) right[j] = panel + run.k + j * panel_step;
  };
  const auto whole_vector = [](const T* from) { return V::load_unaligned(from); };
  bool rest = false;
  for (const Run<T>* run = runs; run != runs + count; ++run) {
    const T *left[rows], *right[columns];
    begin(*run, left, right);
    Index p = 0;
    for (; p + width <= run->length; p += width) add_products<T>(sum, left, right, p, whole_vector);
    const Index end = run->length - p;
    if constexpr (!masked_vectors) rest |= end != 0;
    else if (end > 0) add_products<T>(sum, left, right, p, [&](const T* from) { return load_part(from, end); });
  }
  // The ends of runs, each as one more vector, padded with zeros. A separate loop, since in the other one these calls
  // would spill the sums from their registers.
  alignas(64) T padded[static_cast<std::size_t>((rows + columns) * width)];
  for (const Run<T>* run = runs; rest && run != runs + count; ++run) {
    const Index end = run->length % width, whole = run->length - end;
    if (end == 0) continue;
    const T *left[rows], *right[columns];
    begin(*run, left, right);
    const auto pad = [&](const T*& from, int at) {
      load_part(from + whole, end).store_aligned(padded + at * width);
      from = padded + at * width;
    };
    for (int i = 0; i < rows; ++i) pad(left[i], i);
    for (int j = 0; j < columns; ++j) pad(right[j], rows + j);
    add_products<T>(sum, left, right, 0, whole_vector);
  }
  FLIPBOOK_UNROLL
  for (int i = 0; i < rows; ++i) {
    FLIPBOOK_UNROLL
    for (int j = 0; j < columns; ++j) {
      const auto row = static_cast<std::size_t>(i);
      tile.to[row][j] = tile.from[row][j] + xsimd::hadd(sum[i][j]);
    }
  }
}

/// How the right operand of a product is laid out for the micro-kernel.
enum class PanelKind {
  columns,   ///< a panel is some vectors of columns, one row of the operand after another
  reduction  ///< a panel is a few columns, each contiguous along the reduction
};

template <Multiplicand F>
using MicroKernel = void (*)(const Run<F>*, Index, Index, const F*, Index, const TileRows<Sum<F>>&);

/// The kernel of at least `rows` rows; the rows past the last are repeated by the caller.
template <Multiplicand F>
MicroKernel<F> micro_kernel(PanelKind kind, int rows, Index columns) {
  constexpr int all = TileShape::rows, few = TileShape::few_rows, dot = TileShape::dot_rows;
  constexpr MicroKernel<F> panel_kernels[3][TileShape::vectors] = {
      {rows_times_panel<F, 1, 1>, rows_times_panel<F, 1, 2>},
      {rows_times_panel<F, few, 1>, rows_times_panel<F, few, 2>},
      {rows_times_panel<F, all, 1>, rows_times_panel<F, all, 2>}};
  if constexpr (Real<F>) {
    constexpr MicroKernel<F> dot_kernels[2][TileShape::dot_columns] = {
        {rows_dot_columns<F, 1, 1>, rows_dot_columns<F, 1, 2>, rows_dot_columns<F, 1, 3>},
        {rows_dot_columns<F, dot, 1>, rows_dot_columns<F, dot, 2>, rows_dot_columns<F, dot, 3>}};
    if (kind == PanelKind::reduction) return dot_kernels[rows == 1 ? 0 : 1][columns - 1];
  }
  return panel_kernels[rows == 1 ? 0 : rows <= few ? 1 : 2][(columns - 1) / lanes<Sum<F>>];
}

/// The right operand of a tile: `columns` columns; `step` is the distance between rows or between columns, by kind.
template <Multiplicand F>
struct Panel {
  PanelKind kind;  ///< `columns` for pairs
  const F* data;
  Index step;
  Index columns;
};

/// The output rows of a tile, and their initial values: the rows' own values if `load`, else `start` for every row,
/// else zero.
template <Real T>
struct TileTarget {
  std::array<T*, TileShape::max_rows> rows;
  const T* start = nullptr;
  bool load = false;
};

/// Computes one tile of `rows` × panel.columns. If the columns do not fill their vectors, and for rows of the kernel
/// beyond `rows`, the tile is in a buffer.
template <Multiplicand F>
void multiply_tile(const Run<F>* runs, Index count, Index step, const Panel<F>& panel, int rows,
                   const TileTarget<Sum<F>>& target) {
  using T = Sum<F>;
  constexpr Index width = panel_columns<F>;
  alignas(64) T buffer[static_cast<std::size_t>(TileShape::max_rows * width)];
  const bool whole = panel.kind == PanelKind::reduction || panel.columns % lanes<T> == 0;
  const T* const start = target.start == nullptr ? zero_row<T>.data() : target.start;
  TileRows<T> tile;
  for (std::size_t i = 0; i < TileShape::max_rows; ++i) {  // without a branch: most tiles need nothing else
    tile.to[i] = target.rows[i];
    tile.from[i] = target.load ? target.rows[i] : start;
  }
  const auto each_vector = [&](const auto& move) {
    for (Index j = 0; j < panel.columns; j += lanes<T>) move(j, std::min(lanes<T>, panel.columns - j));
  };
  const auto fill = [&](const T* from, T* to) {
    each_vector([&](Index j, Index present) { load_part(from + j, present).store_unaligned(to + j); });
  };
  alignas(64) T first[static_cast<std::size_t>(width)];
  if (!whole && !target.load) fill(start, first);
  for (int i = whole ? rows : 0; i < TileShape::max_rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    T* const spare = buffer + i * width;
    if (i < rows && target.load) fill(tile.from[row], spare);
    tile.to[row] = spare;
    tile.from[row] = i >= rows ? zero_row<T>.data() : target.load ? spare : first;
  }
  micro_kernel<F>(panel.kind, rows, panel.columns)(runs, count, step, panel.data, panel.step, tile);
  if (whole) return;
  for (int i = 0; i < rows; ++i) {
    T* const to = target.rows[static_cast<std::size_t>(i)];
    each_vector(
        [&](Index j, Index present) { store_part(Simd<T>::load_unaligned(buffer + i * width + j), to + j, present); });
  }
}

}  // namespace flipbook::cpu
