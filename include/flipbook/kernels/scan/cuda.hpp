// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/reduce/scan.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y[i, r, j] = Σ x[i, s, j] over s ≤ r, or over s ≥ r if `reverse`, with x viewed as (outer, n, inner).
template <class T>
void cumsum(Cuda, Index outer, Index n, Index inner, bool reverse, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  cuda::launch_each(cuda::cumsum<T>, outer * inner, outer * inner, n, inner, reverse, x.data(), y.data());
}

}  // namespace flipbook::kernel
