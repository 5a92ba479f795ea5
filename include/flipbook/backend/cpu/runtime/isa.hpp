// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The instruction set of the kernels: the one selected by flipbook::kernels, else that of this translation unit, named
/// as in `core/isa.hpp`.
/// @throws Error  if the environment's FLIPBOOK_ISA names one that flipbook::kernels or the processor does not have
inline const char* isa() {
#ifdef FLIPBOOK_KERNELS
  return flipbook_kernels_isa();
#else
  return FLIPBOOK_TEXT(FLIPBOOK_ISA);
#endif
}

}  // namespace flipbook::cpu
