// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/shape.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr int numbers = 8 * 8 * 3;
using Small =
    Autoregressive<Stack<Flatten, Linear<numbers, 8>, LstmCell<8, 8>, Linear<8, numbers>, Unflatten<8, 8, 3>>>;
const test::Family family = test::family_of<Small>("autoregressive");

}  // namespace

TEST_CASE("an autoregressive model's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
