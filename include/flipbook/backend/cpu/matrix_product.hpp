#pragma once

#include <flipbook/backend/cpu/pack.hpp>
#include <flipbook/backend/cpu/small_product.hpp>

namespace flipbook::cpu {

/// C = A·B + start, or C += A·B, by panels of columns of B (k, n). A (m, k) is read where it lies, by rows or by
/// columns: a task takes some rows and panels, and of these some depth at a time, such that the panels stay in the
/// second cache while a tile of rows meets one after another.
template <Real T>
class MatrixProduct {
 public:
  /// @param start  (n), what every row begins with, or null; not used when accumulating
  MatrixProduct(const SmallOperand<T>& a, Index m, const Panels<T>& b, T* c, Index ldc, bool accumulate, const T* start)
      : a_(a), m_(m), b_(b), c_{c, ldc}, accumulate_(accumulate), start_(start) {
    const bool by_rows = a.step == 1;
    depth_ = by_rows ? 512 : 128;  // down a column every number is on a line of its own
    const Index panel_bytes = std::clamp(b.rows, Index{1}, depth_) * panel_columns<T> * static_cast<Index>(sizeof(T));
    panels_a_task_ = std::clamp(half_a_second_cache / panel_bytes, Index{1}, b.count());
    // Whoever goes down columns brings B's rows into its cache, and has the more rows of C for it.
    const Index tasks = threads() == 1 ? 1 : (by_rows ? 4 : 2) * threads();
    const Index shares = quotient_up(tasks, quotient_up(b.count(), panels_a_task_));
    rows_a_task_ = std::min(round_up(quotient_up(m, shares), Index{TileShape::rows}), by_rows ? Index{128} : m);
    const Index columns = quotient_up(tasks, quotient_up(m, rows_a_task_));
    const Index together = few_rows() ? panels_together : 1;
    panels_a_task_ = std::min(panels_a_task_, round_up(quotient_up(b.count(), columns), together));
  }

  void operator()() const {
    const Index blocks = quotient_up(m_, rows_a_task_);
    parallel_tasks(blocks * quotient_up(b_.count(), panels_a_task_), [&](Index task) {
      const Index first = task % blocks * rows_a_task_, panel = task / blocks * panels_a_task_;
      multiply(first, std::min(first + rows_a_task_, m_), panel, std::min(panel + panels_a_task_, b_.count()));
    });
  }

 private:
  static constexpr Index half_a_second_cache = 1 << 19;  // bytes

  /// Few rows, such as the one of a token, take as long as B is read: in pieces as long as there are registers for.
  static constexpr Index most_few_rows = TileShape::registers == 32 ? 2 : 1, panels_together = 4;
  bool few_rows() const { return m_ <= most_few_rows && b_.pitch > 0; }

  void multiply(Index first, Index last, Index first_panel, Index last_panel) const {
    if (few_rows()) {
      const Index end = std::min(last_panel, b_.columns / panel_columns<T>);
      for (; first_panel + panels_together <= end; first_panel += panels_together) sweep(first_panel);
    }
    Index k = 0;
    do {  // at least once, so that the sum of nothing is written too
      const Index length = std::min(depth_, b_.rows - k);
      for (Index i = first; i < last; i += TileShape::rows) {
        const Index rows = std::min<Index>(TileShape::rows, last - i);
        for (Index p = first_panel; p < last_panel; ++p) tile(i, rows, k, length, p);
      }
      k += length;
    } while (k < b_.rows);
  }

  void sweep(Index p) const {
    constexpr int vectors = panels_together * TileShape::vectors;
    const Panel<T> panel = b_.panel(p);
    const VectorRows<T> to{c_.data + b_.first_column(p), c_.pitch};
    const VectorRows<const T> right{panel.data, panel.step};
    detail::small_strip<T, vectors, most_few_rows>(a_, m_, b_.rows, right, start(p, to, accumulate_), to);
  }
  void tile(Index i, Index rows, Index k, Index length, Index p) const {
    const Panel<T> panel = b_.panel(p);
    const SmallOperand<T> left{a_.data + i * a_.row + k * a_.step, a_.row, a_.step};
    const VectorRows<const T> right{panel.data + k * panel.step, panel.step};
    const VectorRows<T> to{c_.data + i * c_.pitch + b_.first_column(p), c_.pitch};
    const VectorRows<const T> start = this->start(p, to, accumulate_ || k > 0);
    if (panel.columns % lanes<T> == 0) return small_product<T>(left, rows, length, right, panel.columns, start, to);
    // Columns that do not fill their vectors are worked on in a buffer.
    alignas(64) T buffer[static_cast<std::size_t>(TileShape::rows * panel_columns<T>)] = {};
    const VectorRows<T> whole{buffer, panel_columns<T>};
    for (Index r = 0; r < rows; ++r) std::copy_n(start.below(r).data, panel.columns, whole.below(r).data);
    small_product<T>(left, rows, length, right, panel.columns, {buffer, whole.pitch}, whole);
    for (Index r = 0; r < rows; ++r) std::copy_n(whole.below(r).data, panel.columns, to.below(r).data);
  }

  /// What panel p of C begins with.
  VectorRows<const T> start(Index p, const VectorRows<T>& to, bool load) const {
    if (load) return {to.data, to.pitch};
    if (start_ != nullptr) return {start_ + b_.first_column(p), 0};
    return {zero_row<T>.data(), 0};
  }

  SmallOperand<T> a_;
  Index m_;
  Panels<T> b_;
  VectorRows<T> c_;
  bool accumulate_;
  const T* start_;
  Index depth_, panels_a_task_, rows_a_task_;
};

}  // namespace flipbook::cpu
