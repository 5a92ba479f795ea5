// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/models/state_space/svg.hpp>

#include "family.hpp"

using namespace flipbook;

namespace {

using Small = Svg<3, 8, 2, 4, 8, 3>;
const test::Family family = test::family_of<Small>("state_space");

}  // namespace

TEST_CASE("a state-space model's checkpoints outlive what happens to them") {
  SUBCASE("killed") { test::check_killed(family); }
  SUBCASE("full disk") { test::check_full_disk(family); }
  SUBCASE("truncated") { test::check_truncated(family); }
}
