// SPDX-License-Identifier: MIT
// EXPECT: OperandsDifferInScalarOrBackend
#include <flipbook/ops/elementwise/where.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto y = greater(ones<float>({2}), ones<Other>({2})); }
