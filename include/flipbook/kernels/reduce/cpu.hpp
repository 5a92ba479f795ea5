// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/reduce/argmax.hpp>
#include <flipbook/backend/cpu/reduce/reduce.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/kernels/reduce/runs.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y = Σ x over the axes where y, of the same rank, has extent 1 and x has not.
template <class T>
void sum_to(Cpu, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) {
    from_library<"sum_to">(sum_to<T>)(Cpu{}, y, x);
  } else {
    detail::sum_runs(y, x, [](Index outer, Index reduced, Index inner, const T* from, T* to) {
      cpu::sum_middle(outer, reduced, inner, from, to);
    });
  }
}

/// total = Σ x² of all elements.
template <class T>
void sum_squares(Cpu, double& total, const Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) from_library<"sum_squares">(sum_squares<T>)(Cpu{}, total, x);
  else total = cpu::sum_squares(x.size(), x.data());
}

/// The index of the first largest element, or of the first smallest, in each row of the last axis.
template <bool largest, class T>
void arg_extreme(Cpu, const Tensor<T, Cpu>& x, Tensor<std::int32_t, Cpu>& index) {
  if constexpr (compiled<T>) from_library<"arg_extreme", largest>(arg_extreme<largest, T>)(Cpu{}, x, index);
  else cpu::arg_extreme<largest>(index.size(), x.extent(-1), x.data(), index.data());
}

}  // namespace flipbook::kernel
