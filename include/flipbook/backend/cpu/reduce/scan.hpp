// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/backend/cpu/elementwise/map.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// y[i, r, j] = Σ x[i, s, j] over s ≤ r, or over s ≥ r if `reverse`, for x (outer, n, inner). A task sums a strip of
/// columns, in the order of s.
template <class T>
void cumsum(Index outer, Index n, Index inner, bool reverse, const T* x, T* y) {
  constexpr Index strip = 64;
  const Index strips = (inner + strip - 1) / strip, step = reverse ? -inner : inner;
  if (n == 0 || inner == 0) return;
  const Index grain = std::max<Index>(1, map_grain / (n * std::min(inner, strip)));
  parallel_for(outer * strips, grain, [&](Index first, Index last) {
    for (Index task = first; task < last; ++task) {
      const Index left = task % strips * strip, width = std::min(strip, inner - left);
      const Index start = task / strips * n * inner + (reverse ? (n - 1) * inner : 0) + left;
      std::copy_n(x + start, width, y + start);
      for (Index r = 1; r < n; ++r) {
        const T* const from = x + start + r * step;
        T* const to = y + start + r * step;
        for (Index j = 0; j < width; ++j) to[j] = to[j - step] + from[j];
      }
    }
  });
}

}  // namespace flipbook::cpu
