// SPDX-License-Identifier: MIT
#include "ranks.hpp"

#include <flipbook/models/state_space/vrnn.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/quantizer/vector.hpp>

using namespace flipbook::nn;

namespace {

using Encoder = Sequential<Flatten, Linear<numbers, 64>, Tanh, Dropout<0.2>, Linear<64, 8>>;
template <int Code>
using Decoder = Sequential<Flatten, Linear<Code, 16>, Tanh, Linear<16, numbers>, Unflatten<2, 6, 6, 3>>;
using Coder = Sequential<Flatten, Linear<numbers, 8>, Unflatten<2, 4>>;

}  // namespace

TEST_CASE("an autoencoder learns as in one process: noise and dropout are those of the whole batch") {
  check_equal_to_one_process<Vae<Encoder, Decoder<4>, latent::DiagonalGaussian<4>>>(shapes);
}

TEST_CASE("a codebook follows the vectors of all ranks, and codes that died begin where any rank has a vector") {
  check_equal_to_one_process<Autoencoder<Coder, quantizer::Vector<16, 4>, Decoder<8>>>(shapes);
}

TEST_CASE("a state-space model learns as in one process") {
  check_equal_to_one_process<Vrnn<3, 8, 4, 8, 2>>(MovingShapes({.frames = 3, .canvas = 8, .seed = 5}));
}
