// SPDX-License-Identifier: MIT
// In an operation without an overload of its own for this, the sentence follows after GCC's list of where it is called.
// WITHIN: 6
// EXPECT: operands differ in scalar or backend
#include <flipbook/ops/recurrent/lstm.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() { const auto y = lstm_update(ones<float>({2, 8}), ones<Other>({2, 2})); }
