// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/attention/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/attention/cuda.hpp>
#endif
