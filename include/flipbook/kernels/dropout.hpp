// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/dropout/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/dropout/cuda.hpp>
#endif
