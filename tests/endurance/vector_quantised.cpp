// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/vae/autoencoder.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/quantizer/vector.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window patch{.kernel = {2, 4, 4}, .stride = {2, 4, 4}};
using Small =
    Autoencoder<Sequential<Conv3d<3, 4, patch>>, quantizer::Vector<8, 4>, Sequential<ConvTranspose3d<4, 3, patch>>>;
const test::Family family = test::family_of<Small>("vector_quantised");

}  // namespace

TEST_CASE("a vector-quantised autoencoder's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
