// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/reduce/sort.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// The indices that sort each row of the last axis.
template <class T>
void argsort(Cpu, bool descending, const Tensor<T, Cpu>& x, Tensor<std::int32_t, Cpu>& index) {
  if constexpr (compiled<T>) {
    from_library<"argsort">(argsort<T>)(Cpu{}, descending, x, index);
  } else {
    const Index width = x.extent(-1);
    cpu::argsort(x.size() / std::max<Index>(1, width), width, descending, x.data(), index.data());
  }
}

}  // namespace flipbook::kernel
