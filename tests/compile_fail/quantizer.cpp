// SPDX-License-Identifier: MIT
// An encoder gives as many numbers as the quantizer takes.
// EXPECT: Autoencoder: the encoder must give as many numbers at each place as the quantizer takes
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

using namespace flipbook;

#ifdef CONTROL
constexpr int numbers = 2;
#else
constexpr int numbers = 3;
#endif
const Module<Autoencoder<nn::Linear<5, numbers>, quantizer::FiniteScalar<5, 5>, nn::Linear<2, 5>>, float> model;
