// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/kernels/shape/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Calls body(from, to) with the offsets of positions [first, last) of a plan, in order.
template <class Body>
void walk(const CopyPlan& plan, Index first, Index last, const Body& body) {
  std::array<Index, CopyPlan::max_axes> at{};
  Index rest = first, from = 0, to = 0;
  for (std::size_t axis = plan.axes; axis-- > 0; rest /= plan.extent[axis]) {
    at[axis] = rest % plan.extent[axis];
    from += at[axis] * plan.from[axis], to += at[axis] * plan.to[axis];
  }
  for (Index place = first; place < last; ++place) {
    body(from, to);
    for (std::size_t axis = plan.axes; axis-- > 0;) {
      from += plan.from[axis], to += plan.to[axis];
      if (++at[axis] < plan.extent[axis]) break;
      from -= at[axis] * plan.from[axis], to -= at[axis] * plan.to[axis];
      at[axis] = 0;
    }
  }
}

// The last axis is contiguous on both sides: copies rows. A single row is divided among threads too.
template <class T>
void copy_rows(const CopyPlan& plan, const T* from, T* to) {
  const Index row = plan.extent[plan.axes - 1];
  const CopyPlan outer = plan.without(plan.axes - 1);
  if (outer.size == 1) {
    return parallel_for(row, map_grain,
                        [&](Index first, Index last) { std::copy_n(from + first, last - first, to + first); });
  }
  parallel_for(outer.size, std::max<Index>(1, map_grain / row), [&](Index first, Index last) {
    walk(outer, first, last, [&](Index f, Index t) { std::copy_n(from + f, row, to + t); });
  });
}

// Neighbours on one side are far apart on the other: copies squares that fit the first-level cache, so that each cache
// line is loaded once.
template <class T>
void copy_squares(const CopyPlan& plan, std::size_t read_along, const T* from, T* to) {
  constexpr Index side = 32;
  const std::size_t inner = plan.axes - 1;
  const Index rows = plan.extent[read_along], row_from = plan.from[read_along], row_to = plan.to[read_along];
  const Index columns = plan.extent[inner], from_step = plan.from[inner], to_step = plan.to[inner];
  CopyPlan outer = plan.without(inner).without(read_along);
  const Index strips = (rows + side - 1) / side, grain = std::max<Index>(1, map_grain / (side * columns));
  parallel_for(outer.size * strips, grain, [&](Index first, Index last) {
    for (Index piece = first; piece < last; ++piece) {
      const Index top = piece % strips * side, bottom = std::min(rows, top + side);
      walk(outer, piece / strips, piece / strips + 1, [&](Index f, Index t) {
        for (Index left = 0; left < columns; left += side) {
          for (Index i = top; i < bottom; ++i) {
            const T* const source = from + f + i * row_from;
            T* const target = to + t + i * row_to;
            for (Index j = left; j < std::min(columns, left + side); ++j) target[j * to_step] = source[j * from_step];
          }
        }
      });
    }
  });
}

template <class T>
void copy_strided_rows(const CopyPlan& plan, const T* from, T* to) {
  const std::size_t inner = plan.axes - 1;
  const Index row = plan.extent[inner], from_step = plan.from[inner], to_step = plan.to[inner];
  const CopyPlan outer = plan.without(inner);
  parallel_for(outer.size, std::max<Index>(1, map_grain / row), [&](Index first, Index last) {
    walk(outer, first, last, [&](Index f, Index t) {
      for (Index i = 0; i < row; ++i) to[t + i * to_step] = from[f + i * from_step];
    });
  });
}

}  // namespace detail

/// Copies by a plan.
template <class T>
void copy(const CopyPlan& plan, const T* from, T* to) {
  if (plan.size == 0) return;
  if (plan.axes == 0) {
    *to = *from;
    return;
  }
  const std::size_t inner = plan.axes - 1;
  if (plan.from[inner] == 1 && plan.to[inner] == 1) return detail::copy_rows(plan, from, to);
  for (std::size_t axis = 0; axis < inner; ++axis) {
    if (plan.from[axis] == 1) return detail::copy_squares(plan, axis, from, to);
  }
  detail::copy_strided_rows(plan, from, to);
}

}  // namespace flipbook::cpu
