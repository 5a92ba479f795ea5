// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/filter/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/filter/cuda.hpp>
#endif
