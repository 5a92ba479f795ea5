#pragma once

#include <array>
#include <span>

#include <flipbook/backend/cpu/copy.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::kernel {

namespace detail {
/// How far apart neighbours along each axis are in a contiguous array.
template <std::size_t N>
std::array<Index, N> strides(std::span<const Index> extents) {
  std::array<Index, N> stride{};
  Index step = 1;
  for (std::size_t axis = extents.size(); axis-- > 0; step *= extents[axis]) stride[axis] = step;
  return stride;
}
inline std::span<const Index> extents(const Shape& shape) {
  return {shape.begin(), static_cast<std::size_t>(shape.rank())};
}
}  // namespace detail

/// Copies a block of the given extents, from its first element `x_first` of x to `y_first` of y; all of one rank.
template <class T>
void copy_block(Cpu, const Shape& block, const Tensor<T, Cpu>& x, const Shape& x_first, Tensor<T, Cpu>& y,
                const Shape& y_first) {
  const auto from = detail::strides<Shape::max_rank>(detail::extents(x.shape()));
  const auto to = detail::strides<Shape::max_rank>(detail::extents(y.shape()));
  cpu::CopyPlan plan;
  Index x_at = 0, y_at = 0;
  for (int axis = 0; axis < block.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    plan.push(block[axis], from[i], to[i]);
    x_at += x_first[axis] * from[i], y_at += y_first[axis] * to[i];
  }
  if (block.size() > 0) cpu::copy(plan, x.data() + x_at, y.data() + y_at);
}

/// Copies a matrix of rows × columns between rows `x_stride` and `y_stride` apart, from column `x_first`
/// of x to column `y_first` of y.
template <class T>
void copy_columns(Cpu, Index rows, Index columns, const Tensor<T, Cpu>& x, Index x_first, Index x_stride,
                  Tensor<T, Cpu>& y, Index y_first, Index y_stride) {
  cpu::CopyPlan plan;
  plan.push(rows, x_stride, y_stride);
  plan.push(columns, 1, 1);
  if (rows * columns > 0) cpu::copy(plan, x.data() + x_first, y.data() + y_first);
}

/// y = x with its axes in another order: axis i of y is axis order[i] of x, seen as `extents`.
template <class T>
void permute(Cpu, std::span<const Index> extents, std::span<const int> order, const Tensor<T, Cpu>& x,
             Tensor<T, Cpu>& y) {
  const auto from = detail::strides<cpu::CopyPlan::max_axes>(extents);
  cpu::CopyPlan plan;
  Index to = x.size();
  for (const int axis : order) {
    const auto i = static_cast<std::size_t>(axis);
    if (extents[i] > 0) to /= extents[i];
    plan.push(extents[i], from[i], to);
  }
  cpu::copy(plan, x.data(), y.data());
}

}  // namespace flipbook::kernel
