// SPDX-License-Identifier: MIT
// EXPECT: OperandsDifferInScalarOrBackend
#include <flipbook/ops/conv/conv.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto y = conv(ones<float>({1, 4, 4, 3}), ones<Other>({3, 3, 3, 8}), None{}, Window{}); }
