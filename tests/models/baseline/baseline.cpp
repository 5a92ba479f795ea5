// SPDX-License-Identifier: MIT
#include <flipbook/models/baseline/baseline.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace flipbook;

namespace {

/// A clip (1, frames, size, size, 1) of a textured square of 8×8 pixels that moves by (down, right) a frame.
Tensor<float> moving_square(Index frames, Index size, Index top, Index left, Index down, Index right) {
  auto clip = zeros<float>({1, frames, size, size, 1});
  for (Index t = 0; t < frames; ++t) {
    for (Index y = 0; y < 8; ++y) {
      for (Index x = 0; x < 8; ++x) {
        const Index at_y = top + t * down + y, at_x = left + t * right + x;
        if (at_y < 0 || at_y >= size || at_x < 0 || at_x >= size) continue;
        clip.data()[(t * size + at_y) * size + at_x] = static_cast<float>(1 + (3 * y + 5 * x) % 7) / 7;
      }
    }
  }
  return clip;
}

float difference(const Tensor<float>& x, const Tensor<float>& y) {
  REQUIRE(x.shape() == y.shape());
  float most = 0;
  for (Index i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x.data()[i] - y.data()[i]));
  return most;
}

/// Frames [first, last) of the only clip.
Tensor<float> part(const Tensor<float>& clip, Index first, Index last) {
  const Tensor<float> frames = clip[0].slice(first, last);
  return frames.reshape({1, last - first, clip.extent(2), clip.extent(3), clip.extent(4)});
}

}  // namespace

TEST_CASE("persistence repeats the last frame, a constant the frame that it is given") {
  const auto clip = moving_square(3, 20, 2, 3, 1, 2);
  const auto repeated = baseline::Persistence{}.predict(clip, 4);
  CHECK(repeated.shape() == Shape{1, 4, 20, 20, 1});
  for (Index t = 0; t < 4; ++t) CHECK(difference(part(repeated, t, t + 1), part(clip, 2, 3)) == 0);
  const baseline::Constant mean{full<float>({20, 20, 1}, 0.25F)};
  CHECK(difference(mean.predict(clip, 2), full<float>({1, 2, 20, 20, 1}, 0.25F)) == 0);
  CHECK_THROWS_WITH_AS(mean.predict(zeros<float>({1, 2, 20, 21, 1}), 2),
                       "Constant: a frame (20, 20, 1) for context (1, 2, 20, 21, 1)", Error);
}

TEST_CASE("advection is exact where everything moves alike, out of the frame too") {
  for (const auto& [down, right] : {std::pair<Index, Index>{1, 2}, {-3, 0}, {2, -4}, {0, 0}}) {
    const auto clip = moving_square(8, 33, 12, 14, down, right);
    CHECK(difference(baseline::Advection{}.predict(part(clip, 0, 3), 5), part(clip, 3, 8)) == 0);
  }
}

TEST_CASE("block matching is exact for blocks that move apart over a background that stays") {
  auto clip = moving_square(11, 64, 4, 0, 2, 4);  // in frame 6, the context's last, both lie on the grid of blocks
  const auto other = moving_square(11, 64, 56, 24, -4, 0);
  for (Index i = 0; i < clip.size(); ++i) clip.data()[i] = std::max(clip.data()[i], other.data()[i]);
  const auto context = part(clip, 0, 7), truth = part(clip, 7, 11);
  CHECK(difference(baseline::BlockMatching{}.predict(context, 4), truth) == 0);
  CHECK(difference(baseline::Advection{}.predict(context, 4), truth) > 0.5F);
}

TEST_CASE("a context that is too short, and no frames to predict, are refused") {
  const auto one = zeros<float>({2, 1, 9, 9, 3});
  CHECK(baseline::Persistence{}.predict(one, 1).shape() == one.shape());
  CHECK_THROWS_WITH_AS(baseline::Advection{}.predict(one, 1),
                       "Advection: context (2, 1, 9, 9, 3); needs (N, T, H, W, C) of at least 2 frames", Error);
  CHECK_THROWS_WITH_AS(baseline::BlockMatching{}.predict(one, 1),
                       "BlockMatching: context (2, 1, 9, 9, 3); needs (N, T, H, W, C) of at least 2 frames", Error);
  CHECK_THROWS_WITH_AS(baseline::Persistence{}.predict(one, 0), "Persistence: 0 frames asked for", Error);
}
