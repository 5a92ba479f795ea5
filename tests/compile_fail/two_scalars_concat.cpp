// SPDX-License-Identifier: MIT
// EXPECT: OperandsDifferInScalarOrBackend
#include <flipbook/ops/shape/join.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto y = concat(0, ones<float>({2}), ones<float>({2}), ones<Other>({2})); }
