// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/reduce/scan.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y[i, r, j] = Σ x[i, s, j] over s ≤ r, or over s ≥ r if `reverse`, with x viewed as (outer, n, inner).
template <class T>
void cumsum(Cpu, Index outer, Index n, Index inner, bool reverse, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"cumsum">(cumsum<T>)(Cpu{}, outer, n, inner, reverse, x, y);
  else cpu::cumsum(outer, n, inner, reverse, x.data(), y.data());
}

}  // namespace flipbook::kernel
