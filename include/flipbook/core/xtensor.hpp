// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <flipbook/core/intrinsics.hpp>
#include <flipbook/core/tensor.hpp>

#include <xtensor/xadapt.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
inline std::vector<std::size_t> extents(const Shape& shape) {
  return std::vector<std::size_t>(shape.begin(), shape.end());
}
}  // namespace detail

/// The tensor's memory as an xtensor expression, without a copy: slicing, broadcasting, arithmetic, `.npy`. It is valid
/// as long as the tensor's memory; writing to it changes the tensor.
template <class T>
auto as_xtensor(Tensor<T, Cpu>& x) {
  return xt::adapt(x.data(), static_cast<std::size_t>(x.size()), xt::no_ownership(), detail::extents(x.shape()));
}
template <class T>
auto as_xtensor(const Tensor<T, Cpu>& x) {
  return xt::adapt(x.data(), static_cast<std::size_t>(x.size()), xt::no_ownership(), detail::extents(x.shape()));
}

/// A tensor with the values of an xtensor expression.
template <Element T, class Expression>
Tensor<T, Cpu> from_xtensor(const Expression& expression) {
  Tensor<T, Cpu> x(Shape(expression.shape().begin(), expression.shape().end()));
  as_xtensor(x) = expression;
  return x;
}

}  // namespace flipbook
