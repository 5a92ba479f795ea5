// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <flipbook/backend/cpu/simd/simd.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/core/shape.hpp>
#include <flipbook/kernels/elementwise/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Number of elements that are worth another thread; a multiple of every vector width.
inline constexpr Index map_grain = 1 << 13;

/// Number of rows that go through several steps together, so that no row waits for its own sum. They fit the
/// first-level cache.
inline constexpr Index most_rows_together = 8;
inline Index rows_together(Index width) {
  return std::clamp<Index>(map_grain / 4 / std::max<Index>(width, 1), 1, most_rows_together);
}

/// out[i] = f(in[i]…) over whole vectors. The remainder is padded to a vector, so that the result for an element does
/// not depend on its position.
template <Real T, class F, class... In>
void map_serial(const F& f, Index first, Index last, T* out, const In*... in) {
  Index i = first;
  for (; i + lanes<T> <= last; i += lanes<T>) f(Simd<T>::load_unaligned(in + i)...).store_unaligned(out + i);
  if (i < last) store_part(Simd<T>(f(load_part(in + i, last - i)...)), out + i, last - i);
}

/// `map_serial` over [0, size), on all threads.
template <Real T, class F, class... In>
void map(const F& f, Index size, T* out, const In*... in) {
  parallel_for(size, map_grain, [&](Index first, Index last) { map_serial(f, first, last, out, in...); });
}

namespace detail {

// One operand of a row: contiguous, or one element repeated.
template <Real T>
struct Row {
  const T* from;
  bool repeated;
  Simd<T> load(Index i) const { return repeated ? Simd<T>(*from) : Simd<T>::load_unaligned(from + i); }
  Simd<T> load(Index i, Index count) const { return repeated ? Simd<T>(*from) : load_part(from + i, count); }
};

template <Real T, class F>
void map_row(const F& f, Index count, T* out, Row<T> a, Row<T> b) {
  Index i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) Simd<T>(f(a.load(i), b.load(i))).store_unaligned(out + i);
  if (i < count) store_part(Simd<T>(f(a.load(i, count - i), b.load(i, count - i))), out + i, count - i);
}

}  // namespace detail

/// out = f(a, b), with a and b broadcast to the shape of `out`, aligned at the last axis.
template <Real T, class F>
void map_broadcast(const F& f, const Shape& shape, T* out, const Shape& a_shape, const T* a, const Shape& b_shape,
                   const T* b) {
  if (a_shape == shape && b_shape == shape) return map(f, shape.size(), out, a, b);
  const BroadcastPlan plan(shape, a_shape, b_shape);
  const Index inner = plan.extent[0], size = shape.size();
  if (size == 0) return;
  const Index rows = size / inner, grain = std::max<Index>(1, map_grain / inner);
  parallel_for(rows, grain, [&](Index first, Index last) {
    for (Index row = first; row < last; ++row) {
      Index rest = row, at_a = 0, at_b = 0;
      for (std::size_t axis = 1; axis < static_cast<std::size_t>(plan.axes); ++axis) {
        const Index i = rest % plan.extent[axis];
        rest /= plan.extent[axis];
        at_a += i * plan.a[axis];
        at_b += i * plan.b[axis];
      }
      detail::map_row<T>(f, inner, out + row * inner, {a + at_a, plan.a[0] == 0}, {b + at_b, plan.b[0] == 0});
    }
  });
}

}  // namespace flipbook::cpu
