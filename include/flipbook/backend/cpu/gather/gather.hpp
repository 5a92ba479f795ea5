// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <flipbook/backend/cpu/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// y[i, :] = table[index[i], :] for rows of `width`.
template <class T>
void gather_rows(Index count, Index width, const T* table, const std::int32_t* index, T* y) {
  parallel_for(count, std::max<Index>(1, map_grain / std::max<Index>(1, width)), [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) std::copy_n(table + index[i] * width, width, y + i * width);
  });
}

/// table[index[i], :] += y[i, :]. Threads divide the columns, so that every sum is in the order of i.
template <Real T>
void add_rows(Index count, Index width, const T* y, const std::int32_t* index, T* table) {
  parallel_for(width, lanes<T>, [&](Index first, Index last) {
    for (Index i = 0; i < count; ++i) {
      const T* const from = y + i * width;
      T* const to = table + index[i] * width;
      for (Index j = first; j < last; ++j) to[j] += from[j];
    }
  });
}

}  // namespace flipbook::cpu
