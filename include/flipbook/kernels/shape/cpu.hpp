// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/shape/copy.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel::detail {

template <class T>
void carry_out(Cpu, const Move& move, const T* from, T* to) {
  if constexpr (compiled<T>) {
    from_library<"carry_out">(carry_out<T>)(Cpu{}, move, from, to);
  } else {
    if (move.plan.size > 0) cpu::copy(move.plan, from + move.from, to + move.to);
  }
}

}  // namespace flipbook::kernel::detail
