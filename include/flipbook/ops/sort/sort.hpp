// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/sort.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The places of each row of the last axis in the order of their numbers, smallest first unless `descending`: (…, K) →
/// (…, K). Equal numbers stay in order; NaN counts as larger than any number. On the CPU alone.
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

/// What `sort` gives: values[…, j] = x[…, indices[…, j]].
template <class X>
struct Sorted {
  X values;                                           // (…, K)
  Tensor<std::int32_t, typename X::Backend> indices;  // (…, K)
};

/// Each row of the last axis in order, smallest first unless `descending`, and where its numbers stood. The gradient of
/// a value goes to the place where it stood. On the CPU alone.
/// @throws Error  if x is a single number
template <Operand X>
auto sort(const X& x, bool descending = false) {
  const auto indices = argsort(x, descending);
  auto values = apply(TakeAlongAxis<typename X::Backend>{indices}, x);
  return Sorted<decltype(values)>{std::move(values), indices};
}

}  // namespace flipbook
