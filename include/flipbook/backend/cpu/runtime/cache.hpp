// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

/// What kernels assume of the caches, in bytes: less than most processors have, since a block that is half as large
/// costs little and one that does not fit costs much. Other tuning constants stand beside their kernels.

namespace flipbook::inline FLIPBOOK_ISA::cpu::cache {

/// Half of a second-level cache of 1 MiB: panels that stay there while rows pass by, beside the rows and the result.
inline constexpr Index half_of_second = 1 << 19;
/// The share of the last-level cache that one core may count on.
inline constexpr Index share_of_last = 1 << 21;
/// Of a block that all threads read from the last-level cache together.
inline constexpr Index together_in_last = 1 << 23;
/// More than any cache holds.
inline constexpr Index beyond_all = 1 << 25;

}  // namespace flipbook::cpu::cache
