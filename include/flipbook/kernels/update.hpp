// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/update/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/update/cuda.hpp>
#endif
