// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The position of one vector in a row of numbers; the last vector of a row may be partial. Kernels that read several
/// rows at once are written in terms of it.
template <Real T>
struct Units {
  Index first, count;
  Simd<T> load(const T* row) const {
    return count == lanes<T> ? Simd<T>::load_unaligned(row + first) : load_part(row + first, count);
  }
  void store(const Simd<T>& v, T* row) const {
    if (count == lanes<T>) v.store_unaligned(row + first);
    else store_part(v, row + first, count);
  }
};

namespace detail {
template <Real T, class Body>
void each_unit(const Body& body, Index width, Index first, Index last) {
  for (Index row = first; row < last; ++row) {
    Index j = 0;
    for (; j + lanes<T> <= width; j += lanes<T>) body(row, Units<T>{j, lanes<T>});
    if (j < width) body(row, Units<T>{j, width - j});
  }
}
}  // namespace detail

/// Calls body(row, units) for every vector of every row of `width` numbers.
template <Real T, class Body>
void for_each_unit(Index rows, Index width, const Body& body) {
  if (width == 0) return;
  parallel_for(rows, std::max<Index>(1, map_grain / 4 / width),
               [&](Index first, Index last) { detail::each_unit<T>(body, width, first, last); });
}

}  // namespace flipbook::cpu
