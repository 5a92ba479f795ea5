// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/shape/copy.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

template <class T>
void carry_out(Cuda, const Move& move, const T* from, T* to) {
  if (move.plan.size > 0) cuda::copy(move.plan, from + move.from, to + move.to);
}

}  // namespace flipbook::kernel::detail
