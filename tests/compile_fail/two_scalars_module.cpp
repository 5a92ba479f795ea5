// SPDX-License-Identifier: MIT
// EXPECT: ArgumentDiffersFromModuleInScalarOrBackend
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>

using namespace flipbook;

#ifdef CONTROL
using Other = float;
#else
using Other = double;
#endif

int main() {
  const Module<nn::Linear<3, 4>, float> network;
  const auto y = network(ones<Other>({2, 3}));
}
