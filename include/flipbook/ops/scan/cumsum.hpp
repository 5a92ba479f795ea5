// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/scan.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Cumulative sums along an axis, from its first element or from its last.
struct CumSum {
  static constexpr unsigned saves = save::none;
  int axis;  // not negative
  bool reverse = false;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    const Shape& shape = x.shape();
    Tensor<T, B> y(shape);
    kernel::cumsum(B{}, shape.part(0, axis).size(), shape[axis], shape.part(axis + 1, shape.rank()).size(), reverse, x,
                   y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(CumSum{axis, !reverse}, dy); });
  }
};

/// Cumulative sums along an axis: y[…, r, …] = Σ x[…, s, …] over s ≤ r, in the order of s.
/// @throws Error  if x has no such axis
template <Operand X>
auto cumsum(const X& x, int axis) {
  return apply(CumSum{static_cast<int>(x.shape().place(axis))}, x);
}

}  // namespace flipbook
