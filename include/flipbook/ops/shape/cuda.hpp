#pragma once

#include <flipbook/backend/cuda/copy.hpp>
#include <flipbook/ops/shape/cpu.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

template <class T>
void carry_out(Cuda, const Move& move, const T* from, T* to) {
  if (move.plan.size > 0) cuda::copy(move.plan, from + move.from, to + move.to);
}

}  // namespace flipbook::kernel::detail
