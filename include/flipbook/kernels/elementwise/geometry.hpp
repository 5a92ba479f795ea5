// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The axes of an operation on two tensors that broadcast against each other. Adjacent axes are merged if the strides
/// of both tensors allow it. A stride of 0 repeats an element along an axis.
struct BroadcastPlan {
  static constexpr int max_axes = Shape::max_rank;
  int axes = 0;
  std::array<Index, max_axes> extent{}, a{}, b{};

  BroadcastPlan(const Shape& out, const Shape& a_shape, const Shape& b_shape) {
    Index a_step = 1, b_step = 1;
    for (int from_end = 1; from_end <= out.rank(); ++from_end) {  // innermost axis first
      const Index n = out[-from_end];
      const Index an = from_end <= a_shape.rank() ? a_shape[-from_end] : 1;
      const Index bn = from_end <= b_shape.rank() ? b_shape[-from_end] : 1;
      if (n != 1) push(n, an == 1 ? 0 : a_step, bn == 1 ? 0 : b_step);
      a_step *= an;
      b_step *= bn;
    }
    if (axes == 0) push(1, 1, 1);
  }

 private:
  void push(Index n, Index a_stride, Index b_stride) {
    const auto at = static_cast<std::size_t>(axes);
    if (axes > 0 && a_stride == a[at - 1] * extent[at - 1] && b_stride == b[at - 1] * extent[at - 1]) {
      extent[at - 1] *= n;
    } else {
      extent[at] = n, a[at] = a_stride, b[at] = b_stride;
      ++axes;
    }
  }
};

}  // namespace flipbook
