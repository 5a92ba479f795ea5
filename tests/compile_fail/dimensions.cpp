// EXPECT: a layer works on another number of dimensions than the one before it
// EXPECT GNU: dimensions_match<3, 2>.*evaluates to false
// EXPECT Clang: dimensions_match<.*Conv3d<3, 64,.*Conv<2, 64, 8,
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
