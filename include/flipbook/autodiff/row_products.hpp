// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A term aᵀ·b of a gradient, not yet multiplied.
template <Real T, class B>
struct RowProduct {
  Tensor<T, B> a, b;  ///< (M, I) and (M, O)
  Tensor<T, B> (*multiply)(const Tensor<T, B>& a, const Tensor<T, B>& b);
};

/// Terms of one gradient that are computed together: Σ aᵀ·b is one product over all their rows. A weight of a recurrent
/// network has a term of few rows for each step, and writing such a term takes longer than computing it.
template <Real T, class B>
class RowProducts {
 public:
  /// The maximum number of collected rows, which bounds their memory to half the gradient's.
  static Index most_rows(const Shape& gradient) {
    return gradient.rank() == 2 ? gradient.size() / std::max<Index>(1, 2 * (gradient[0] + gradient[1])) : 0;
  }
  bool empty() const noexcept { return terms_.empty(); }
  Index rows() const noexcept { return rows_; }
  void add(RowProduct<T, B> term) {
    rows_ += term.a.extent(0);
    terms_.push_back(std::move(term));
  }
  void clear() noexcept {
    terms_.clear();
    rows_ = 0;
  }
  /// Removes all terms, at least one, and returns their sum.
  Tensor<T, B> take() {
    const auto multiply = terms_.front().multiply;
    Tensor<T, B> sum = multiply(all(&RowProduct<T, B>::a), all(&RowProduct<T, B>::b));  // (I, O)
    clear();
    return sum;
  }

 private:
  Tensor<T, B> all(Tensor<T, B> RowProduct<T, B>::*part) const {
    if (terms_.size() == 1) return terms_.front().*part;
    Tensor<T, B> rows({rows_, (terms_.front().*part).extent(1)});  // (ΣM, I) or (ΣM, O)
    T* to = rows.data();
    for (const auto& term : terms_) to = std::copy_n((term.*part).data(), (term.*part).size(), to);
    return rows;
  }

  std::vector<RowProduct<T, B>, PoolAllocator<RowProduct<T, B>>> terms_;
  Index rows_ = 0;
};

}  // namespace flipbook
