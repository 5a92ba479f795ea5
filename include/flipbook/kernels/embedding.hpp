// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/embedding/cpu.hpp>

#ifdef FLIPBOOK_CUDA
#include <flipbook/kernels/embedding/cuda.hpp>
#endif
