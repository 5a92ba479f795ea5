// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// The number of elements for which dropout uses one run of random blocks.
inline constexpr Index dropout_run = 64;

}  // namespace flipbook::kernel
