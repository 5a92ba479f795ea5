// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/permute.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

inline Shape with_one_at(Shape shape, int axis) {
  shape[axis] = 1;
  return shape;
}
inline Shape without_axis(const Shape& shape, int axis) {
  Shape rest;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != static_cast<int>(shape.place(axis))) rest.push_back(shape[i]);
  }
  return rest;
}

// The index of the largest (or smallest) element of each row of the last axis: (…, K) → (…).
template <bool largest, class T, class B>
Tensor<std::int32_t, B> arg_extreme_of_rows(const char* operation, const Tensor<T, B>& rows) {
  require(rows.extent(-1) > 0, operation, ": the axis has no elements, shape ", rows.shape());
  Tensor<std::int32_t, B> index(rows.shape().part(0, rows.rank() - 1));
  kernel::arg_extreme<largest>(B{}, rows, index);
  return index;
}

template <bool largest, Operand X>
auto arg_extreme(const char* operation, const X& x, int axis) {
  const Tensor rows = transpose(tensor_of(x), axis, -1);  // no copy if the axis is already the last
  const auto index = arg_extreme_of_rows<largest>(operation, rows).reshape(with_one_at(rows.shape(), -1));
  return transpose(index, axis, -1).reshape(without_axis(x.shape(), axis));
}

template <bool largest, Operand X>
auto extreme(const char* operation, const X& x, int axis, bool drop) {
  const auto rows = transpose(x, axis, -1);
  const auto index = arg_extreme_of_rows<largest>(operation, tensor_of(rows));
  const auto found = apply(TakeAlongAxis<typename X::Backend>{index}, rows);
  const auto y = transpose(reshape(found, with_one_at(rows.shape(), -1)), axis, -1);
  return reshape(y, drop ? without_axis(x.shape(), axis) : y.shape());
}

}  // namespace detail

/// The index of the largest element along an axis, which is dropped: the first of equal ones; NaN counts as the
/// largest.
/// @throws Error  if the axis has no elements
template <Operand X>
auto argmax(const X& x, int axis) {
  return detail::arg_extreme<true>("argmax", x, axis);
}
/// The index of the smallest element along an axis, which is dropped: the first of equal ones; NaN counts as the
/// smallest.
/// @throws Error  if the axis has no elements
template <Operand X>
auto argmin(const X& x, int axis) {
  return detail::arg_extreme<false>("argmin", x, axis);
}

/// The largest element along an axis, which keeps extent 1 unless `drop`; NaN if there is one. The gradient goes to the
/// element at `argmax`.
/// @throws Error  if the axis has no elements
template <Operand X>
auto max(const X& x, int axis, bool drop = false) {
  return detail::extreme<true>("max", x, axis, drop);
}
/// The smallest element along an axis, with the options and errors of `max`.
template <Operand X>
auto min(const X& x, int axis, bool drop = false) {
  return detail::extreme<false>("min", x, axis, drop);
}
/// The largest of all elements, of rank 0.
/// @throws Error  if there is none
template <Operand X>
auto max(const X& x) {
  return max(reshape(x, Shape{x.shape().size()}), 0, true);
}
/// The smallest of all elements, of rank 0.
/// @throws Error  if there is none
template <Operand X>
auto min(const X& x) {
  return min(reshape(x, Shape{x.shape().size()}), 0, true);
}

}  // namespace flipbook
