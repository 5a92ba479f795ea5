// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

/// Sums x over the axes where y has extent 1 and x has not, by middle(outer, reduced, inner, from, to) for each run of
/// adjacent axes to sum over, with x viewed as (outer, reduced, inner).
template <class T, class B, class Middle>
void sum_runs(Tensor<T, B>& y, const Tensor<T, B>& x, const Middle& middle) {
  if (y.size() == 0) return;
  Shape shape = x.shape();
  Tensor<T, B> partial = x;
  for (int last = shape.rank(); last > 0;) {
    int first = last - 1;
    if (y.extent(first) == shape[first]) {
      last = first;
      continue;
    }
    while (first > 0 && y.extent(first - 1) != shape[first - 1]) --first;
    const Index outer = shape.part(0, first).size(), reduced = shape.part(first, last).size();
    const Index inner = shape.part(last, shape.rank()).size();
    for (int axis = first; axis < last; ++axis) shape[axis] = 1;
    Tensor<T, B> sum = shape == y.shape() ? y : Tensor<T, B>(shape);
    middle(outer, reduced, inner, std::as_const(partial).data(), sum.data());
    partial = std::move(sum);
    last = first;
  }
}

}  // namespace flipbook::kernel::detail
