// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/softmax/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/softmax/cuda.hpp>
#endif
