// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/tokens/video_gpt.hpp>
#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/quantizer/finite_scalar.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window patch{.kernel = {2, 4, 4}, .stride = {2, 4, 4}};
using Tokenizer =
    Autoencoder<Sequential<Conv3d<3, 1, patch>>, quantizer::FiniteScalar<3>, Sequential<ConvTranspose3d<1, 3, patch>>>;
using Small = VideoGpt<Tokenizer, LatentGrid{2, 2, 2}, 8, 1, 2>;
const test::Family family = test::family_of<Small>("tokens");

}  // namespace

TEST_CASE("checkpoints of a model of tokens outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
