// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/ops/embedding/embedding.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/shape/permute.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The elements at the given indices along an axis: x (…, n, …) and indices (k) give (…, k, …). The gradients of a
/// repeated index are summed.
/// @throws Error  if the indices are not a vector, or one is not in [0, n)
template <Operand X>
auto index_select(const X& x, int axis, const Tensor<std::int32_t, typename X::Backend>& indices) {
  using B = typename X::Backend;
  const Shape& shape = x.shape();
  require(indices.rank() == 1, "index_select: needs a list of indices (k), got shape ", indices.shape());
  const Index n = shape[axis], k = indices.size();
  detail::require_indices("index_select", indices, n);
  const int place = static_cast<int>(shape.place(axis));
  const Index outer = shape.part(0, place).size(), inner = shape.part(place + 1, shape.rank()).size();
  Shape selected = shape;
  selected[axis] = k;
  const Permute first{{n, outer * inner}, 3, {outer, n, inner}, {1, 0, 2}};  // moves the axis to the front
  const Permute back{selected, 3, {k, outer, inner}, {1, 0, 2}};
  return apply(back, apply(GatherRows<B>{indices}, apply(first, x)));
}

/// Elements by index along an axis: y[…, j, …] = x[…, index[…, j, …], …]. The gradients of a repeated index are summed;
/// on Cuda, each element's gradient reads all indices of its line along the axis.
/// @param x  (…, n, …)      @param index  (…, k, …), each of 0 … n − 1
/// @return  (…, k, …)
/// @throws Error  if the shapes differ along another axis, or an index is not in [0, n)
template <Operand X>
auto take_along_axis(const X& x, const Tensor<std::int32_t, typename X::Backend>& index, int axis) {
  Shape expected = x.shape();
  if (index.rank() == expected.rank()) expected[axis] = index.extent(axis);
  require(index.shape() == expected, "take_along_axis: indices of shape ", index.shape(), " along axis ", axis, " of ",
          x.shape(), "; the other extents must be the same");
  detail::require_indices("take_along_axis", index, x.shape()[axis]);
  const auto rows = transpose(index, axis, -1);
  return transpose(apply(TakeAlongAxis<typename X::Backend>{rows}, transpose(x, axis, -1)), axis, -1);
}

/// `take_along_axis` with PyTorch's name and order of arguments.
template <Operand X>
auto gather(const X& x, int axis, const Tensor<std::int32_t, typename X::Backend>& index) {
  return take_along_axis(x, index, axis);
}

}  // namespace flipbook
