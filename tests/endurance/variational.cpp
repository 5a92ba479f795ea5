// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/models/vae/vae.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr int numbers = 4 * 8 * 8 * 3;
using Small = Vae<Sequential<Flatten, Linear<numbers, 8>>, Sequential<Linear<4, numbers>, Unflatten<4, 8, 8, 3>>,
                  latent::DiagonalGaussian<4>>;
const test::Family family = test::family_of<Small>("variational");

}  // namespace

TEST_CASE("a variational autoencoder's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
