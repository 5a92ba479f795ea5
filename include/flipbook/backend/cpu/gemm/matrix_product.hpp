// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/edge_tile.hpp>
#include <flipbook/backend/cpu/gemm/panels.hpp>
#include <flipbook/backend/cpu/gemm/right_operand.hpp>
#include <flipbook/backend/cpu/runtime/cache.hpp>
#include <flipbook/backend/cpu/runtime/tasks.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// An operand of a product in either layout.
template <Real T>
struct StoredMatrix {
  Layout layout;
  const T* data;
  Index pitch;
  const T* at(Index i, Index j) const { return layout == Layout::normal ? data + i * pitch + j : data + j * pitch + i; }
  SmallOperand<T> from(Index i, Index j) const {
    if (layout == Layout::normal) return {at(i, j), pitch, 1};
    return {at(i, j), 1, pitch};
  }
};

/// C = A·B + start, or C += A·B, in blocks: a task has some rows of A and some columns of B, and reduces over a part of
/// the depth at a time. Its block of B, packed or in place, stays in the second-level cache for all tiles of A's rows.
/// Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008.
template <Real T>
class MatrixProduct {
 public:
  /// @param a  (m, k)  @param b  (k, n)  @param c  (m, n), with a pitch of ldc
  /// @param start  (n), the initial value of every row, or null; not used when accumulating
  MatrixProduct(const StoredMatrix<T>& a, const StoredMatrix<T>& b, Index m, Index n, Index k, T* c, Index ldc,
                bool accumulate, const T* start)
      : a_(a), b_(b), m_(m), n_(n), k_(k), c_{c, ldc}, accumulate_(accumulate), start_(start) {
    streams_b_ = !packs() && k * n > half_a_second_cache;
    // B from memory is read in about the order in which it is stored: long pieces of few rows.
    const Index deepest = a.layout == Layout::normal ? most_depth : most_depth / 2;
    const Index least = streams_b_ ? least_depth : most_depth / 2;
    const Index numbers = streams_b_ ? numbers_in_order * std::max(m / height, Index{1}) : half_a_second_cache;
    const Index columns = std::min(n, streams_b_ ? piece_of_row : n);
    const Index fitting = std::clamp(numbers / round_up(columns, width), least, deepest);
    depth_ = quotient_up(k, std::max(quotient_up(k, fitting), Index{1}));
    divide();
    // The hardware does not prefetch many short rows.
    constexpr Index large = cache::together_in_last / Index{sizeof(T)};
    fetches_a_ = a.layout == Layout::normal && (m * k > large || n > 2 * width);
    fetches_c_ = m * n > large || depth_ >= most_depth / 4;
  }

  void operator()() const {
    const Index blocks = quotient_up(n_, columns_);
    const PerThread<T> workspaces(depth_ * (packs() ? columns_ : width));
    parallel_tasks(tasks(), [&](Index task) {
      const Index i = task / blocks * rows_, j = task % blocks * columns_;
      multiply(i, std::min(i + rows_, m_), j, std::min(j + columns_, n_), workspaces.mine());
    });
  }

 private:
  static constexpr Index width = panel_columns<T>, height = TileShape::rows;
  static constexpr Index half_a_second_cache = cache::half_of_second / Index{sizeof(T)}, most_depth = 512,
                         least_depth = 8, numbers_in_order = 1 << 13, piece_of_row = 512, few_panels = 2;

  /// If B has few uses, it is read in place.
  bool packs() const { return b_.layout == Layout::transposed || m_ > few_uses_of_rows; }
  /// Few rows, such as the one of a token, are bound by reading B: in pieces as wide as the registers allow.
  static constexpr Index most_few_rows = TileShape::registers == 32 ? 2 : 1, panels_together = 4;
  bool few_rows() const { return m_ <= most_few_rows && !packs() && k_ > 0; }

  Index tasks() const { return quotient_up(m_, rows_) * quotient_up(n_, columns_); }
  /// Rows and columns of a task: all that fit, halved until every thread has tasks. The order of each sum is the same.
  void divide() {
    const Index narrowest = few_rows() ? panels_together * width : width;
    const Index fitting = half_a_second_cache / std::max(depth_, Index{1}) / narrowest * narrowest;
    const Index widest = streams_b_ ? piece_of_row : fitting;
    rows_ = round_up(m_, height);
    columns_ = std::clamp(round_up(n_, narrowest), narrowest, std::max(widest, narrowest));
    while (threads() > 1 && tasks() < 2 * threads() && (rows_ > height || columns_ > narrowest)) {
      const bool by_rows = rows_ > few_uses_of_rows || columns_ == narrowest;
      if (by_rows) rows_ = round_up(rows_ / 2, height);
      else columns_ = round_up(columns_ / 2, narrowest);
    }
  }

  /// Rows [first, last), columns [left, right) of C.
  void multiply(Index first, Index last, Index left, Index right, T* workspace) const {
    alignas(64) T copied[static_cast<std::size_t>(height * most_depth / 2)];
    Index k = 0;
    do {  // at least once, so that an empty sum is written too
      const Index length = std::min(depth_, k_ - k);
      Index rest = left;
      if (few_rows()) {
        for (; rest + panels_together * width <= right; rest += panels_together * width) sweep(k, length, rest);
      }
      const Panels<T> panels = part_of_b(k, length, rest, right, workspace);
      for (Index i = first, rows = 0; i < last; i += rows) {
        rows = quotient_up(last - i, quotient_up(last - i, height));  // tiles of about the same size
        const Index next = i + rows, next_rows = std::min(height, last - next);
        if (fetches_a_) fetch(a_.at(next, k), a_.pitch, next_rows, length);
        const SmallOperand<T> tile = part_of_a(i, rows, k, length, panels.count(), copied);
        for (Index p = 0; p < panels.count(); ++p) {
          const Index j = rest + panels.first_column(p);
          if (fetches_c_) fetch<1>(c_.below(next).right(j).data, c_.pitch, next_rows, std::min(width, right - j));
          multiply(tile, rows, length, panels.panel(p), i, j, accumulate_ || k > 0, streams_b_ && i == first);
        }
      }
      k += length;
    } while (k < k_);
  }

  /// Rows of A in place, or copied if A is transposed: each number is on another cache line, for every panel again.
  SmallOperand<T> part_of_a(Index i, Index rows, Index k, Index length, Index panels, T* copied) const {
    if (length == 0) return {};  // an empty matrix may have no memory
    if (a_.layout == Layout::normal || panels <= few_panels) return a_.from(i, k);
    const T* from = a_.at(i, k);
    T* to = copied;
    if (rows == height) {
      for (Index p = 0; p < length; ++p, from += a_.pitch, to += height) std::copy_n(from, height, to);
    } else {
      for (Index p = 0; p < length; ++p, from += a_.pitch, to += height) {
        if constexpr (masked_vectors) store_part(load_part(from, rows), to, rows);
        else std::copy_n(from, rows, to);
      }
    }
    return {copied, 1, height};
  }
  Panels<T> part_of_b(Index k, Index length, Index left, Index right, T* workspace) const {
    Panels<T> panels;
    panels.rows = length, panels.columns = right - left;
    if (length == 0) return panels;
    if (packs()) {
      // Several rows of B's memory are read at once, for some columns each, or whole.
      const Index some = b_.layout == Layout::normal ? 16 : length;
      for (Index p = 0; p < length; p += some) {
        pack_rows(panels, workspace, p, std::min(some, length - p), b_.layout, b_.at(k + p, left), b_.pitch);
      }
      panels.data = workspace;
      return panels;
    }
    panels.data = b_.at(k, left), panels.pitch = b_.pitch;
    if (!tiles_end_anywhere && panels.columns % lanes<T> != 0) {
      Panels<T> edge;
      edge.rows = length, edge.columns = panels.columns % width;
      pack_rows(edge, workspace, 0, length, b_.layout, b_.at(k, right - edge.columns), b_.pitch);
      panels.last = workspace;
    }
    return panels;
  }

  void sweep(Index k, Index length, Index j) const {
    constexpr int vectors = panels_together * TileShape::vectors;
    const VectorRows<T> to = c_.right(j);
    detail::small_strip<T, vectors, most_few_rows>(a_.from(0, k), m_, length, {b_.at(k, j), b_.pitch},
                                                   start(j, to, accumulate_ || k > 0), to);
  }
  /// The tile at row i and column j of C.
  void multiply(const SmallOperand<T>& left, Index rows, Index length, const Panel<T>& panel, Index i, Index j,
                bool load, bool streams) const {
    const VectorRows<T> to = c_.below(i).right(j);
    edge_product<T>(left, rows, length, {panel.data, panel.step}, panel.columns, start(j, to, load), to, streams);
  }

  /// The initial value of the tile at column j of C.
  VectorRows<const T> start(Index j, const VectorRows<T>& to, bool load) const {
    if (load) return {to.data, to.pitch};
    if (start_ != nullptr) return {start_ + j, 0};
    return {zero_row<T>.data(), 0};
  }

  StoredMatrix<T> a_, b_;
  Index m_, n_, k_;
  VectorRows<T> c_;
  bool accumulate_;
  const T* start_;
  Index depth_, rows_, columns_;
  bool fetches_a_, streams_b_, fetches_c_;  ///< prefetched
};

}  // namespace flipbook::cpu
