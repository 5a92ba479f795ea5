// SPDX-License-Identifier: MIT
// EXPECT: OperandsDifferInScalarOrBackend
#include <flipbook/ops/matmul/matmul.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto y = matmul(ones<float>({2, 2}), ones<Other>({2, 2})); }
