// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

constexpr Index quotient_up(Index a, Index b) { return (a + b - 1) / b; }
constexpr Index round_up(Index a, Index b) { return quotient_up(a, b) * b; }

}  // namespace flipbook::cpu
