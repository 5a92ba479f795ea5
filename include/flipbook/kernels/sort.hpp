// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/kernels/sort/cpu.hpp>
