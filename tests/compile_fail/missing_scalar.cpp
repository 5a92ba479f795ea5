// SPDX-License-Identifier: MIT
// EXPECT: the scalar is missing; write Module<Net, float> or Module<Net, double>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>

using namespace flipbook;

int main() {
#ifdef CONTROL
  Module<nn::Linear<3, 4>, float> network;
#else
  Module<nn::Linear<3, 4>> network;
#endif
}
