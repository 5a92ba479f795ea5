// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

template <class T>
using Scratch = flipbook::Scratch<T, Cpu>;

}  // namespace flipbook::cpu
