// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/gather/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/gather/cuda.hpp>
#endif
