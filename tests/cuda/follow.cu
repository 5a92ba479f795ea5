// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/simvp.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/gan/augmentation.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/gan/mocogan.hpp>
#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

#include "follow.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

using Painter = Sequential<ConvTranspose2d<4, 6, Window{.kernel = 2}>, BatchNorm<6>, ReLU,
                           ConvTranspose2d<6, 1, Window{.kernel = 4, .stride = 2, .padding = 1}>, Tanh>;
using Judge = Sequential<Conv2d<1, 6, Window{.kernel = 4, .stride = 2, .padding = 1}>, LeakyReLU<0.2>,
                         Conv2d<6, 1, Window{.kernel = 2}>>;
using Encoder =
    Sequential<Conv2d<1, 6, Window{.kernel = 4, .stride = 2, .padding = 1}>, Tanh, Conv2d<6, 4, Window{.kernel = 2}>>;
using Decoder = Sequential<ConvTranspose2d<2, 6, Window{.kernel = 2}>, Tanh,
                           ConvTranspose2d<6, 1, Window{.kernel = 4, .stride = 2, .padding = 1}>>;
using Motion = mocogan::Generator<Painter, 2, 2>;
using Frames = ViewDiscriminator<Judge, view::Then<view::RandomFrames<1>, view::Translation<2>, view::Cutout<4>>>;
using Changes = ViewDiscriminator<Sequential<Conv3d<1, 1, Window{.kernel = 2}>>,
                                  view::Then<view::Differences, view::Brightness<>, view::Downsampled<2>>>;
using Coded = Autoencoder<Encoder, quantizer::FiniteScalar<3, 4, 5, 3>,
                          Sequential<ConvTranspose2d<4, 6, Window{.kernel = 2}>, Tanh,
                                     ConvTranspose2d<6, 1, Window{.kernel = 4, .stride = 2, .padding = 1}>>>;
using SmallVae = Vae<Encoder, Decoder, latent::DiagonalGaussian<2>, likelihood::LearnedGaussian>;

}  // namespace

TEST_CASE("an adversarial model's training follows the CPU's") {
  training_follows<Gan<Painter, Judge>>({4, 4, 4, 1});
  training_follows<Gan<Painter, Judge, loss::NonSaturating, regulariser::R1<>>>({4, 4, 4, 1});
  training_follows<Adversarial<Motion, Discriminators<Frames, Changes>, loss::Hinge>>({2, 4, 4, 4, 1});
}

TEST_CASE("a variational model's training follows the CPU's, alone and against a discriminator") {
  training_follows<SmallVae>({4, 4, 4, 1});
  training_follows<VaeGan<SmallVae, Judge>>({4, 4, 4, 1});
}

TEST_CASE("an autoregressive model's training follows the CPU's") {
  training_follows<Autoregressive<ConvLstm<1, 3, 3>>>({2, 4, 4, 4, 1});
  training_follows<Autoregressive<PatchTransformer<1, 2, 12, 1, 2>>>({2, 4, 4, 4, 1});
}

TEST_CASE("an autoencoder of codes follows the CPU's against a discriminator whose weight adapts") {
  training_follows<Adversarial<Coded, Judge, loss::Hinge, regulariser::NoPenalty, weight::Adaptive>>({4, 4, 4, 1});
}

TEST_CASE("a flow's training follows the CPU's, and that of a forecast in one pass") {
  training_follows<CodeFlow<3, 8, 1>>({5, 3});
  training_follows<SimVp<2, 1, simvp::Options{.spatial = 2, .hidden = 4, .halvings = 1, .blocks = 2, .expansion = 2}>>(
      {2, 4, 4, 4, 1});
}
