// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

/// Cache sizes that kernels assume, in bytes. They are smaller than most processors' caches, since a block of half the
/// size costs little and one that does not fit costs much. Other tuning constants are next to their kernels.

namespace flipbook::inline FLIPBOOK_ISA::cpu::cache {

/// Half of a second-level cache of 1 MiB: for panels that stay in it while rows pass through the other half with the
/// result.
inline constexpr Index half_of_second = 1 << 19;
/// The share of the last-level cache that one core may count on.
inline constexpr Index share_of_last = 1 << 21;
/// The size of a block in the last-level cache that all threads read.
inline constexpr Index together_in_last = 1 << 23;
/// More than any cache holds.
inline constexpr Index beyond_all = 1 << 25;

}  // namespace flipbook::cpu::cache
