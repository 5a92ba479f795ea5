#pragma once

#include <array>
#include <span>

#include <flipbook/backend/cpu/copy.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

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

/// What the kernels below do, as a plan with the places where it begins in both memories.
struct Move {
  cpu::CopyPlan plan;
  Index from = 0, to = 0;
};
inline Move move_block(const Shape& block, const Shape& x, const Shape& x_first, const Shape& y, const Shape& y_first) {
  const auto from = strides<Shape::max_rank>(extents(x)), to = strides<Shape::max_rank>(extents(y));
  Move move;
  for (int axis = 0; axis < block.rank(); ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    move.plan.push(block[axis], from[i], to[i]);
    move.from += x_first[axis] * from[i], move.to += y_first[axis] * to[i];
  }
  return move;
}
inline Move move_columns(Index rows, Index columns, Index x_first, Index x_stride, Index y_first, Index y_stride) {
  Move move{{}, x_first, y_first};
  move.plan.push(rows, x_stride, y_stride);
  move.plan.push(columns, 1, 1);
  return move;
}
inline Move move_axes(std::span<const Index> extents, std::span<const int> order) {
  const auto from = strides<cpu::CopyPlan::max_axes>(extents);
  Move move;
  Index to = 1;
  for (const Index extent : extents) to *= extent;
  for (const int axis : order) {
    const auto i = static_cast<std::size_t>(axis);
    if (extents[i] > 0) to /= extents[i];
    move.plan.push(extents[i], from[i], to);
  }
  return move;
}
template <class T>
void carry_out(Cpu, const Move& move, const T* from, T* to) {
  if (move.plan.size > 0) cpu::copy(move.plan, from + move.from, to + move.to);
}

}  // namespace detail

/// Copies a block of the given extents, from its first element `x_first` of x to `y_first` of y; all of one rank.
template <class B, class T>
void copy_block(B, const Shape& block, const Tensor<T, B>& x, const Shape& x_first, Tensor<T, B>& y,
                const Shape& y_first) {
  carry_out(B{}, detail::move_block(block, x.shape(), x_first, y.shape(), y_first), x.data(), y.data());
}

/// Copies a matrix of rows × columns between rows `x_stride` and `y_stride` apart, from column `x_first`
/// of x to column `y_first` of y.
template <class B, class T>
void copy_columns(B, Index rows, Index columns, const Tensor<T, B>& x, Index x_first, Index x_stride, Tensor<T, B>& y,
                  Index y_first, Index y_stride) {
  carry_out(B{}, detail::move_columns(rows, columns, x_first, x_stride, y_first, y_stride), x.data(), y.data());
}

/// y = x with its axes in another order: axis i of y is axis order[i] of x, seen as `extents`.
template <class B, class T>
void permute(B, std::span<const Index> extents, std::span<const int> order, const Tensor<T, B>& x, Tensor<T, B>& y) {
  carry_out(B{}, detail::move_axes(extents, order), x.data(), y.data());
}

}  // namespace flipbook::kernel
