// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/recurrent/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/recurrent/cuda.hpp>
#endif
