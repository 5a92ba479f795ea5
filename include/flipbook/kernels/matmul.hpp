// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/matmul/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/matmul/cuda.hpp>
#endif
