// SPDX-License-Identifier: MIT
// Compiled into every program that links flipbook::nccl.
#include <flipbook/distributed/nccl.hpp>
