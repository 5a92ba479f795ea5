// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>

#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A strided copy: to[Σ i·to] = from[Σ i·from] for every index i below the extents. Axes are given outermost first.
/// Those of extent 1 are dropped, and adjacent axes are merged if the strides in both memories allow it. A stride of 0
/// in `from` repeats an element.
struct CopyPlan {
  static constexpr std::size_t max_axes = 8;
  std::size_t axes = 0;
  std::array<Index, max_axes> extent{}, from{}, to{};
  Index size = 1;

  void push(Index n, Index from_stride, Index to_stride) {
    size *= n;
    if (n == 1) return;
    if (axes > 0 && from[axes - 1] == from_stride * n && to[axes - 1] == to_stride * n) {
      extent[axes - 1] *= n, from[axes - 1] = from_stride, to[axes - 1] = to_stride;
    } else {
      extent[axes] = n, from[axes] = from_stride, to[axes] = to_stride;
      ++axes;
    }
  }
  /// The plan without one axis.
  CopyPlan without(std::size_t axis) const {
    CopyPlan rest;
    for (std::size_t i = 0; i < axes; ++i) {
      if (i == axis) continue;
      rest.size *= rest.extent[rest.axes] = extent[i];
      rest.from[rest.axes] = from[i], rest.to[rest.axes++] = to[i];
    }
    return rest;
  }
};

}  // namespace flipbook

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

/// The strides of a contiguous array.
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

/// A copy of the functions below: a plan, with its first offset in both memories.
struct Move {
  CopyPlan plan;
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
  const auto from = strides<CopyPlan::max_axes>(extents);
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

}  // namespace flipbook::kernel::detail
