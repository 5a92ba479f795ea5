// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/error.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/elementwise.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Sets y to f(x…), element by element, in the memory of y, which may be among x: for buffers and parameters, which
/// change in place. Nothing is recorded. f is written for vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
void map_into(Tensor<T, B> y, const F& f, const X&... x) {
  (require(x.shape() == y.shape(), "map_into: shapes ", y.shape(), " and ", x.shape(), " differ"), ...);
  kernel::map(B{}, f, y, x...);
}

/// f(x…), element by element over tensors of one shape. Nothing is recorded. f is written for vectors.
/// @throws Error  if the shapes differ
template <class F, Real T, class B, class... X>
Tensor<T, B> map(const F& f, const Tensor<T, B>& x, const X&... more) {
  Tensor<T, B> y(x.shape());
  map_into(y, f, x, more...);
  return y;
}

}  // namespace flipbook
