// SPDX-License-Identifier: MIT
// What flipbook::kernels has besides kernels: the instantiations that programs need not compile (FLIPBOOK_TEMPLATE).
#define FLIPBOOK_INSTANTIATES 1
#include <flipbook/flipbook.hpp>
