// SPDX-License-Identifier: MIT
// What a task copies before it multiplies; whole convolutions, and conv_planar.hpp, are tested in conv.cpp.
#include <flipbook/backend/cpu/conv/narrow.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

ConvGeometry small_images() {
  ConvGeometry g;
  g.batch = 2, g.input = {3, 7, 20}, g.in_channels = 3, g.out_channels = 16;
  g.kernel = {3, 4, 4}, g.stride = {1, 2, 2}, g.padding = {1, 1, 1};
  g.fit_output();
  return g;
}

/// Number `c` of the pixel that position (h, w) of a block sees by tap (j0, j1, j2), zero outside.
double seen(const ConvGeometry& g, const std::vector<double>& x, const cpu::narrow::Lines<double>::Block& b, Index h,
            Index w, const ConvGeometry::Axes& j, Index c) {
  const ConvGeometry::Axes position{b.t, b.first + h, w};
  Index at = b.n;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index i = position[axis] * g.stride[axis] + j[axis] - g.padding[axis];
    if (i < 0 || i >= g.input[axis]) return 0;
    at = at * g.input[axis] + i;
  }
  return x[static_cast<std::size_t>(at * g.in_channels + c)];
}

}  // namespace

TEST_CASE("a copied block has what every tap of every position sees at a constant distance") {
  const ConvGeometry g = small_images();
  Rng rng{1};
  const auto x = drawn<double>(g.inputs() * g.in_channels, rng);
  const cpu::narrow::Lines<double> lines(g);
  Index positions = 0;
  for (Index i = 0; i < lines.blocks(); ++i) {
    auto room = reference::poisoned<double>(lines.workspace());
    const auto block = lines.block(i);
    REQUIRE(lines.position(block) == positions);
    positions += block.count * g.output[2];
    const double* const copied = lines.along_lines(block, x.data(), room.data());
    bool same = true;
    for (Index j0 = 0; j0 < g.kernel[0]; ++j0) {
      if (!lines.inside(block, j0)) continue;
      for (Index k = 0; k < block.count * g.output[2] * 4 * 4 * 3; ++k) {
        const Index c = k % 3, j2 = k / 3 % 4, j1 = k / 12 % 4, w = k / 48 % g.output[2], h = k / 48 / g.output[2];
        const Index at = lines.tap(j0, j1) + h * lines.next_line() + w * lines.next() + j2 * 3 + c;
        same &= copied[at] == seen(g, x, block, h, w, {j0, j1, j2}, c);
      }
    }
    CHECK(same);
  }
  CHECK(positions == g.outputs());
}

TEST_CASE("lines of outputs, and numbers of a tap, that pair up are told from those that do not") {
  ConvGeometry g = small_images();
  CHECK(cpu::narrow::fits<double>(g));
  CHECK(cpu::narrow::pairs_up(g));
  g.stride[2] = 1;  // the next position is an odd number of numbers away
  CHECK(!cpu::narrow::pairs_up(g));
  g = small_images(), g.output[2] = 9;
  CHECK(!cpu::narrow::pairs_up(g));
  g = small_images(), g.in_channels = 5;
  CHECK(!cpu::narrow::fits<double>(g));
}
