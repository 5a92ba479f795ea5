// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <flipbook/backend/cpu/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// index[r] = the index of the largest (or smallest) number of row r of x (rows, width), the first of equals. NaN
/// counts as larger (or smaller) than any number.
template <bool largest, class T>
void arg_extreme(Index rows, Index width, const T* x, std::int32_t* index) {
  const auto before = [](T a, T b) { return (largest ? a > b : a < b) || (a != a && b == b); };
  parallel_for(rows, std::max<Index>(1, map_grain / std::max<Index>(1, width)), [&](Index first, Index last) {
    for (Index r = first; r < last; ++r) {
      const T* const row = x + r * width;
      Index best = 0;
      for (Index i = 1; i < width; ++i) best = before(row[i], row[best]) ? i : best;
      index[r] = static_cast<std::int32_t>(best);
    }
  });
}

}  // namespace flipbook::cpu
