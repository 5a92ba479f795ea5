// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/nn/space_time.hpp>

#include "family.hpp"

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using Small = Flow<SpaceTimeTransformer<3, SpaceTimeOptions{.width = 8, .blocks = 1, .heads = 2, .expansion = 2}>>;
const test::Family family = test::family_of<Small>("flow");

}  // namespace

TEST_CASE("a flow's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
