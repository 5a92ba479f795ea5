// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Counts the multiply-adds of the operations that the calling thread runs while it lives: of matrix products,
/// convolutions (every tap of the kernel, those over the padding too) and attention (queries with the keys that they
/// may see), forward and backward. Element-wise functions, normalisation and copies count as none. How a kernel
/// computes an operation makes no difference: Winograd's filtering, which needs fewer, counts as the convolution that
/// it computes.
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

  /// What `apply` calls: an operation that makes multiply-adds has `multiply_adds(inputs…)`, of its input tensors.
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
