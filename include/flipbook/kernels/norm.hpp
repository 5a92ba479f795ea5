// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/norm/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/norm/cuda.hpp>
#endif
