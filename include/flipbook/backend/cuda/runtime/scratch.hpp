// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/runtime/stream.hpp>
#include <flipbook/core/scratch.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Device memory for the duration of a call: kernels launched before its destruction may use it.
template <class T>
using Scratch = flipbook::Scratch<T, Cuda>;

}  // namespace flipbook::cuda
