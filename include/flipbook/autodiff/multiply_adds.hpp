// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Counts the multiply-adds of the operations that the calling thread runs during its lifetime. It counts matrix
/// products, convolutions (every tap, also over the padding) and attention (each query with its visible keys), forward
/// and backward; element-wise functions, normalisation and copies count as none. The kernel's algorithm makes no
/// difference: Winograd filtering, which needs fewer multiplications, counts as the convolution that it computes.
///
///     fb::MultiplyAdds counter;
///     network(x);
///     std::cout << counter.count();
class MultiplyAdds {
 public:
  MultiplyAdds() noexcept : outer_(running) { running = this; }
  MultiplyAdds(const MultiplyAdds&) = delete;
  MultiplyAdds& operator=(const MultiplyAdds&) = delete;
  ~MultiplyAdds() {
    running = outer_;
    if (outer_ != nullptr) outer_->count_ += count_;
  }

  Index count() const noexcept { return count_; }

  /// Called by `apply`. An operation with multiply-adds has a function `multiply_adds(inputs…)` of its input tensors.
  template <class Op, class... X>
  static void add(const Op& op, const X&... inputs) {
    if constexpr (requires { op.multiply_adds(inputs...); }) {
      if (running != nullptr) [[unlikely]]
        running->count_ += op.multiply_adds(inputs...);
    }
  }

 private:
  inline static constinit thread_local MultiplyAdds* running = nullptr;

  MultiplyAdds* outer_;
  Index count_ = 0;
};

}  // namespace flipbook
