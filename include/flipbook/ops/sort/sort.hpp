// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/sort.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The indices that sort each row of the last axis, ascending unless `descending`: (…, K) → (…, K). The sort is stable;
/// NaN counts as larger than any number. On the CPU only.
/// @throws Error  if x is a single number
template <Operand X>
auto argsort(const X& x, bool descending = false) {
  using B = typename X::Backend;
  static_assert(std::same_as<B, Cpu>, "sort: on the CPU alone; sort to<Cpu>(x), and move the result back");
  require(x.shape().rank() > 0, "sort: a single number has no axis to sort along");
  Tensor<std::int32_t, B> index(x.shape());
  kernel::argsort(B{}, descending, tensor_of(x), index);
  return index;
}

/// The result of `sort`: values[…, j] = x[…, indices[…, j]].
template <class X>
struct Sorted {
  X values;                                           // (…, K)
  Tensor<std::int32_t, typename X::Backend> indices;  // (…, K)
};

/// Each row of the last axis sorted, ascending unless `descending`, and the indices of its elements in x (…, K). The
/// gradient of a value goes to its element in x. On the CPU only.
/// @throws Error  if x is a single number
template <Operand X>
auto sort(const X& x, bool descending = false) {
  const auto indices = argsort(x, descending);
  auto values = apply(TakeAlongAxis<typename X::Backend>{indices}, x);
  return Sorted<decltype(values)>{std::move(values), indices};
}

}  // namespace flipbook
