// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include <flipbook/backend/cpu/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// index[r] = the indices that sort row r of x (rows, width); equal numbers keep their order. NaN counts as larger than
/// any number.
template <class T>
void argsort(Index rows, Index width, bool descending, const T* x, std::int32_t* index) {
  const auto less = [](T a, T b) { return a < b || (b != b && a == a); };
  parallel_for(rows, std::max<Index>(1, map_grain / 8 / std::max<Index>(1, width)), [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T* const row = x + r * width;
      std::int32_t* const places = index + r * width;
      std::iota(places, places + width, 0);
      // By number, then by index: the order of a stable sort, which would allocate memory.
      std::sort(places, places + width, [=](std::int32_t i, std::int32_t j) {
        const T a = row[descending ? j : i], b = row[descending ? i : j];
        return less(a, b) || (!less(b, a) && i < j);
      });
    }
  });
}

}  // namespace flipbook::cpu
