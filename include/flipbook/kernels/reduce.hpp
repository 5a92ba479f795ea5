// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/reduce/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/reduce/cuda.hpp>
#endif
