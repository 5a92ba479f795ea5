// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/reduce/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/reduce/cuda.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

// Only for devices: the CPU's operations are composed of others.
template <class B, class... Arguments>
void sum_of(B, const Arguments&...) = delete;
template <class B, class... Arguments>
void map_and_sum_columns(B, const Arguments&...) = delete;

}  // namespace flipbook::kernel
