// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/resample/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/resample/cuda.hpp>
#endif
