// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The instruction set that kernels are compiled for: the one that flipbook::kernels has chosen, else the one of this
/// translation unit, as `core/isa.hpp` names it.
/// @throws Error  if the environment's FLIPBOOK_ISA names one that flipbook::kernels or the processor does not have
inline const char* isa() {
#ifdef FLIPBOOK_KERNELS
  return flipbook_kernels_isa();
#else
  return FLIPBOOK_TEXT(FLIPBOOK_ISA);
#endif
}

}  // namespace flipbook::cpu
