// SPDX-License-Identifier: MIT
// Which layers disagree, counted from 0, and in what: GCC says so after its list of headers and the layers themselves.
// WITHIN: 10
// EXPECT: ChannelsDiffer<.*LayerAt<0>,.*Gives<64>,.*LayerAt<2>,.*Takes<32>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>

using namespace flipbook::nn;

#ifdef CONTROL
constexpr int taken = 64;
#else
constexpr int taken = 32;
#endif

using Network = Sequential<Linear<3, 64>, ReLU, Linear<taken, 8>>;
