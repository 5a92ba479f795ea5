// SPDX-License-Identifier: MIT
// EXPECT: LayersAgreeInChannelsAndDimensions
#include <flipbook/flipbook.hpp>

using namespace flipbook;
using namespace flipbook::nn;

#ifdef CONTROL
constexpr int taken = 64;
#else
constexpr int taken = 32;
#endif

int main() {
  Module<Sequential<Conv2d<3, 64, Window{.kernel = 3}>, ReLU, Conv2d<taken, 8, Window{.kernel = 3}>>, float> network;
}
