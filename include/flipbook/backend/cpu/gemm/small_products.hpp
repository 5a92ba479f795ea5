// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/gemm/edge_tile.hpp>
#include <flipbook/backend/cpu/gemm/matrix_product.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Matrices at equal distances in memory.
template <Real T>
struct StoredMatrices {
  StoredMatrix<T> first;
  Index pitch;  ///< from one matrix to the next
  StoredMatrix<T> operator[](Index i) const { return {first.layout, first.data + i * pitch, first.pitch}; }
};

/// C = A·B + start for many small matrices. One product takes as long as starting a parallel loop or allocating from
/// the pool, so both are done once for many. A transposed B is copied to the first-level cache.
template <Real T>
class SmallProducts {
 public:
  /// Whether a product fits the first and second cache.
  static bool fit(Index m, Index n, Index k) { return std::max({n * k, m * k, m * n}) <= 1 << 14; }

  /// @param a  (batch, m, k)  @param b  (batch, k, n)  @param c  (batch, m, n)
  /// @param start  (n), the initial value of every row, or null
  SmallProducts(const StoredMatrices<T>& a, const StoredMatrices<T>& b, Index m, Index n, Index k, T* c, Index ldc,
                const T* start)
      : a_(a), b_(b), m_(m), n_(n), k_(k), c_{c, ldc}, start_(start) {}

  void operator()(Index batch) const {
    const Index cost = std::max(m_ * n_ * k_, Index{1}), pitch = round_up(n_, lanes<T>);
    // A few products are divided among threads by rows, which changes no sum.
    const Index parts = batch >= 2 * threads() ? 1 : std::clamp(cost / worth_a_thread, Index{1}, Index{threads()});
    const Index rows = round_up(quotient_up(m_, parts), TileShape::rows);
    const bool from_memory = batch * (m_ * k_ + k_ * n_ + m_ * n_) > 2 * cache::together_in_last / Index{sizeof(T)};
    const PerThread<T> workspaces(copies() ? k_ * pitch : 0);
    parallel_for(batch * parts, std::max(worth_a_thread * parts / cost, Index{1}), [&](Index first, Index last) {
      const VectorRows<T> workspace{workspaces.mine(), pitch};
      if (copies()) std::fill_n(workspace.data, k_ * pitch, T(0));
      VectorRows<const T> right{};
      for (Index at = first; at < last; ++at) {
        const Index i = at / parts, row = at % parts * rows;
        if (from_memory && at + 1 < last) fetch((at + 1) / parts);
        if (at == first || row == 0) right = this->right(b_[i], workspace);
        if (row < m_) multiply(a_[i], row, std::min(rows, m_ - row), right, c_.data + i * m_ * c_.pitch);
      }
    });
  }

 private:
  static constexpr Index worth_a_thread = 1 << 16;  // multiplications

  bool copies() const { return b_.first.layout == Layout::transposed || (!tiles_end_anywhere && n_ % lanes<T> != 0); }
  VectorRows<const T> right(const StoredMatrix<T>& b, const VectorRows<T>& workspace) const {
    if (!copies()) return {b.data, b.pitch};
    if (b.layout == Layout::transposed) transpose(b.data, b.pitch, n_, k_, workspace.data, workspace.pitch);
    else
      for (Index p = 0; p < k_; ++p) std::copy_n(b.data + p * b.pitch, n_, workspace.below(p).data);
    return {workspace.data, workspace.pitch};
  }
  [[gnu::always_inline]] void fetch(Index i) const {
    cpu::fetch(a_[i].data, 0, 1, m_ * k_);
    cpu::fetch(b_[i].data, 0, 1, k_ * n_);
    cpu::fetch<1>(c_.data + i * m_ * c_.pitch, 0, 1, m_ * n_);
  }
  void multiply(const StoredMatrix<T>& a, Index row, Index rows, const VectorRows<const T>& b, T* c) const {
    const VectorRows<T> to = VectorRows<T>{c, c_.pitch}.below(row);
    for (Index j = 0; j < n_; j += panel_columns<T>) {
      const VectorRows<const T> start{start_ == nullptr ? zero_row<T>.data() : start_ + j, 0};
      edge_product<T>(a.from(row, 0), rows, k_, b.right(j), std::min(n_ - j, panel_columns<T>), start, to.right(j));
    }
  }

  StoredMatrices<T> a_, b_;
  Index m_, n_, k_;
  VectorRows<T> c_;
  const T* start_;
};

}  // namespace flipbook::cpu
