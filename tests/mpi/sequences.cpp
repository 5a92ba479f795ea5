// SPDX-License-Identifier: MIT
#include "ranks.hpp"

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/models/flow/flow_mlp.hpp>
#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

using namespace flipbook::nn;

namespace {

constexpr Window same_size{.kernel = 3, .padding = 1};
using Frames = Autoregressive<Stack<ConvLstmCell<3, 4, same_size>, Conv2d<4, 3, Window{.kernel = 1}>>>;

using Patches = Sequential<Conv3d<3, 1, Window{.kernel = {2, 4, 4}, .stride = {2, 4, 4}}>>;
using Pixels = Sequential<ConvTranspose3d<1, 3, Window{.kernel = {2, 4, 4}, .stride = {2, 4, 4}}>>;
using Tokens = VideoGpt<Autoencoder<Patches, quantizer::FiniteScalar<3>, Pixels>, LatentGrid{2, 2, 2}, 16, 1, 2>;

const MovingShapes clips({.frames = 4, .canvas = 8, .seed = 5});

}  // namespace

TEST_CASE("a predictor of frames learns as in one process") { check_equal_to_one_process<Frames>(clips); }

TEST_CASE("a prior over tokens learns as in one process") { check_equal_to_one_process<Tokens>(clips); }

TEST_CASE("a flow learns as in one process: each element of the batch has its noise and its level") {
  check_equal_to_one_process<CodeFlow<3, 16, 1>>(MovingShapes({.frames = 1, .canvas = 4, .seed = 5}));
}
