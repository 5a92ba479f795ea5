// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr int numbers = 4 * 8 * 8 * 3;
using Small = Gan<Sequential<Linear<4, 8>, BatchNorm<8>, Linear<8, numbers>, Sigmoid, Unflatten<4, 8, 8, 3>>,
                  Sequential<Flatten, Linear<numbers, 8>, LeakyReLU<0.2>, Linear<8, 1>>, loss::NonSaturating>;
const test::Family family = test::family_of<Small>("adversarial");

}  // namespace

TEST_CASE("an adversarial network's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
