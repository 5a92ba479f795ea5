// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/conv/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/conv/cuda.hpp>
#endif
