// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The same elements in the same order with another shape; shares memory.
struct Reshape {
  static constexpr unsigned saves = save::none;
  Shape shape;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    return x.reshape(shape);
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(Reshape{std::get<0>(saved.inputs).shape()}, dy); });
  }
};

/// The same elements in the same order with another shape; shares memory.
/// @throws Error  if the number of elements differs
template <Operand X>
auto reshape(const X& x, const Shape& shape) {
  return apply(Reshape{shape}, x);
}
/// `reshape` with one extent that may be -1, to be inferred.
template <Operand X>
auto reshape(const X& x, std::initializer_list<Index> extents) {
  return apply(Reshape{tensor_of(x).reshape(extents).shape()}, x);
}

FLIPBOOK_RECORDED_1(Reshape);

}  // namespace flipbook
