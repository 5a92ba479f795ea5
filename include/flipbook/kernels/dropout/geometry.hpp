// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// How many elements of dropout one run of random blocks serves.
inline constexpr Index dropout_run = 64;

}  // namespace flipbook::kernel
