// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// `value` in place of the input, with the gradient of the identity.
template <class T, class B>
struct StraightThrough {
  static constexpr unsigned saves = save::none;
  Tensor<T, B> value;

  Tensor<T, B> operator()(const Tensor<T, B>&) const { return value; }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return dy; });
  }
};

/// `value`, bitwise, with the gradient of x: a function without a useful gradient, such as `round(x)`, is
/// differentiated as the identity. Bengio et al., Estimating or propagating gradients through stochastic neurons, 2013.
/// @throws Error  if the shapes differ
template <Operand Y, Operand X>
  requires SameScalarAndBackend<Y, X>
auto straight_through(const Y& value, const X& x) {
  require(value.shape() == x.shape(), "straight_through: a value of shape ", value.shape(), " for x of shape ",
          x.shape());
  return apply(StraightThrough<typename X::Scalar, typename X::Backend>{tensor_of(value)}, x);
}

}  // namespace flipbook
