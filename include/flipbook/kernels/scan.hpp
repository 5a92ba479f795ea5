// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/scan/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/scan/cuda.hpp>
#endif
