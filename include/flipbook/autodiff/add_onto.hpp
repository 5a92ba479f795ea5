// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/kernels/elementwise.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {
struct Plus {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return a + b;
  }
};
}  // namespace function

/// to += x, in place if no other handle shares the memory of `to`.
template <class T, class B>
void add_onto(Tensor<T, B>& to, const Tensor<T, B>& x) {
  Tensor<T, B> sum = to.unique() ? to : Tensor<T, B>(to.shape());
  kernel::map(B{}, function::Plus{}, sum, to, x);
  to = std::move(sum);
}

}  // namespace flipbook
