// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <flipbook/kernels/shape/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/shape/cuda.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// Copies a block of the given extents from index `x_first` of x to index `y_first` of y; all have the same rank.
template <class B, class T>
void copy_block(B, const Shape& block, const Tensor<T, B>& x, const Shape& x_first, Tensor<T, B>& y,
                const Shape& y_first) {
  carry_out(B{}, detail::move_block(block, x.shape(), x_first, y.shape(), y_first), x.data(), y.data());
}

/// Copies a matrix of rows × columns from column `x_first` of x to column `y_first` of y, with row strides `x_stride`
/// and `y_stride`.
template <class B, class T>
void copy_columns(B, Index rows, Index columns, const Tensor<T, B>& x, Index x_first, Index x_stride, Tensor<T, B>& y,
                  Index y_first, Index y_stride) {
  carry_out(B{}, detail::move_columns(rows, columns, x_first, x_stride, y_first, y_stride), x.data(), y.data());
}

/// Concatenates matrices of `rows` rows along their columns, in `whole`.
template <class B, class T, class Parts>
void join_columns(B, Index rows, const Parts& parts, Tensor<T, B>& whole) {
  if (whole.size() == 0) return;
  Index at = 0;
  for (const auto& part : parts) {
    const Index width = part.size() / rows;
    copy_columns(B{}, rows, width, part, 0, width, whole, at, whole.size() / rows);
    at += width;
  }
}
/// Splits `whole` along its columns into the matrices `parts`.
template <class B, class T, class Parts>
void split_columns(B, Index rows, const Tensor<T, B>& whole, Parts& parts) {
  if (whole.size() == 0) return;
  Index at = 0;
  for (auto& part : parts) {
    const Index width = part.size() / rows;
    copy_columns(B{}, rows, width, whole, at, whole.size() / rows, part, 0, width);
    at += width;
  }
}

/// y = x with its axes permuted: axis i of y is axis order[i] of x, viewed as `extents`.
template <class B, class T>
void permute(B, std::span<const Index> extents, std::span<const int> order, const Tensor<T, B>& x, Tensor<T, B>& y) {
  carry_out(B{}, detail::move_axes(extents, order), x.data(), y.data());
}

}  // namespace flipbook::kernel
