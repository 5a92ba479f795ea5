// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/runtime/pack.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// y[i, r, j] = Σ x[i, s, j] over s ≤ r, or over s ≥ r if `reverse`, with x viewed as (outer, n, inner). A thread sums
/// a line of n elements in order.
template <class T>
__global__ void cumsum(Index lines, Index n, Index inner, bool reverse, const T* __restrict__ x, T* __restrict__ y) {
  each_pack<1>(lines, [&](Index line) {
    const Index step = reverse ? -inner : inner;
    Index at = line / inner * n * inner + line % inner + (reverse ? (n - 1) * inner : 0);
    Wide<T> sum(0);
    for (Index r = 0; r < n; ++r, at += step) {
      sum += static_cast<Wide<T>>(x[at]);
      y[at] = static_cast<T>(sum);
    }
  });
}

}  // namespace flipbook::cuda
