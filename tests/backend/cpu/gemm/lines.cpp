// SPDX-License-Identifier: MIT
// What a task copies before it multiplies; whole convolutions are tested in conv/conv.cpp.
#include <flipbook/backend/cpu/gemm/lines.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;
using reference::drawn;

namespace {

/// The number that channel c of a position sees by a tap, zero outside.
double number(const cpu::ReceptiveField& s, const std::vector<double>& x, Index n, const ConvGeometry::Axes& position,
              const ConvGeometry::Axes& tap, Index c) {
  Index at = n;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index i = position[axis] * s.stride[axis] + tap[axis] * s.step[axis] + s.origin[axis];
    if (i < 0 || i >= s.extent[axis]) return 0;
    at = at * s.extent[axis] + i;
  }
  return x[static_cast<std::size_t>(at * s.channels + c)];
}

/// Whether all blocks together are all positions, and each has what its taps see; counts what is not border.
void check(const cpu::ReceptiveField& s, Index positions_a_block) {
  Rng rng{1};
  const auto x = drawn<double>(s.batch * s.extent[0] * s.extent[1] * s.extent[2] * s.channels, rng);
  const cpu::CopiedLines<double> lines(s, cpu::Pixels<const double*>::dense(x.data(), s.extent, s.channels),
                                       positions_a_block);
  Index positions = 0;
  bool same = true;
  for (Index i = 0; i < lines.count(); ++i) {
    const auto block = lines.block(i);
    positions += block.planes * block.lines * s.positions[2];
    CHECK(block.planes * block.lines * s.positions[2] <= lines.most_positions());
    for (Index k = 0; k < block.planes * s.kernel[0]; ++k) {
      const Index plane = block.first_plane + k / s.kernel[0], j0 = k % s.kernel[0];
      auto copied = reference::poisoned<double>(lines.plane());
      lines.copy(block, plane, j0, copied.data());
      bool any = false;
      for (Index p = 0; p < block.lines * s.positions[2] * lines.runs() * lines.length(); ++p) {
        const Index within = p % lines.length(), run = p / lines.length() % lines.runs();
        const Index q = p / (lines.length() * lines.runs()), h = q / s.positions[2], w = q % s.positions[2];
        const Index row = run * lines.length() + within, j = row / s.channels;  // as the rows of the weights
        const double wanted = number(s, x, plane / s.positions[0], {plane % s.positions[0], block.first_line + h, w},
                                     {j0, j / s.kernel[2], j % s.kernel[2]}, row % s.channels);
        const Index at = lines.ahead(run) + h * lines.next_line() + w * lines.next() + within;
        same &= copied[static_cast<std::size_t>(at)] == wanted;
        any |= wanted != 0;
      }
      same &= lines.inside(plane, j0) || !any;
    }
  }
  CHECK(same);
  CHECK(positions == s.outputs());
}

cpu::ReceptiveField field() {
  cpu::ReceptiveField s;
  s.batch = 2, s.extent = {3, 7, 11}, s.channels = 3;
  s.kernel = {3, 4, 3}, s.stride = {1, 2, 2}, s.origin = {-1, -1, -2}, s.positions = {3, 3, 7};
  return s;
}

}  // namespace

TEST_CASE("copied lines have what every tap of every position sees at a constant distance") {
  for (const Index positions : {1, 10, 30, 1000}) {
    cpu::ReceptiveField s = field();
    check(s, positions);
    s.step = {2, 2, 1};
    check(s, positions);
    s.step = {1, 1, 2};  // taps of a line do not adjoin
    check(s, positions);
    s.origin = {0, 2, 12};  // outside
    check(s, positions);
  }
}

TEST_CASE("the part of the products that is not border is counted") {
  cpu::ReceptiveField s;
  s.extent = {1, 1, 4}, s.positions = {1, 1, 4}, s.kernel = {1, 1, 3}, s.origin = {0, 0, -1};
  CHECK(cpu::CopiedLines<float>(s, {}, 4).seen() == doctest::Approx(10.0 / 12));
  s.origin = {0, 0, 4};
  CHECK(cpu::CopiedLines<float>(s, {}, 4).seen() == 0);
}
