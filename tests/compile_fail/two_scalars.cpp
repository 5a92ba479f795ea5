// SPDX-License-Identifier: MIT
// EXPECT: OperandsDifferInScalarOrBackend
// EXPECT: Tensor<float.*Tensor<double
#include <flipbook/ops/elementwise/binary.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto sum = ones<float>({2, 3}) + ones<Other>({2, 3}); }
