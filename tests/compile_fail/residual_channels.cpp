// SPDX-License-Identifier: MIT
// EXPECT: BodyAndShortcutAgreeInChannels
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/residual.hpp>

using namespace flipbook;

#ifdef CONTROL
constexpr int given = 3;
#else
constexpr int given = 4;
#endif

int main() { Module<nn::Residual<nn::Linear<3, 8>, nn::Linear<8, given>>, float> block; }
