// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/elementwise/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/elementwise/cuda.hpp>
#endif
