// SPDX-License-Identifier: MIT
// WITHIN: 11, for what channels_where.cpp says
// EXPECT: LayersAgreeInChannelsAndDimensions
// EXPECT: DimensionsDiffer<.*LayerAt<0>,.*Gives<3>,.*LayerAt<2>,.*Takes<2>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>

using namespace flipbook;
using namespace flipbook::nn;

#ifdef CONTROL
constexpr int dimensions = 3;
#else
constexpr int dimensions = 2;
#endif

int main() {
  Module<Sequential<Conv3d<3, 64, Window{.kernel = 3}>, ReLU, nn::Conv<dimensions, 64, 8, Window{.kernel = 3}>>, float>
      network;
}
