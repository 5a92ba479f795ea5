// EXPECT: the channels that a layer gives differ from those that the next one takes
// EXPECT GNU: channels_match<64, 32>.*evaluates to false
// EXPECT Clang: channels_match<.*Conv2d<3, 64,.*Conv2d<32, 8,
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/sequential.hpp>

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
