// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <flipbook/kernels/elementwise/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/elementwise/cuda.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y ← f(y, x) for each (f, y, x) in order.
template <class B, class Change>
void change_each(B, std::vector<Change>& changes) {
  for (Change& change : changes) map(B{}, change.f, change.y, change.y, change.x);
}

}  // namespace flipbook::kernel
