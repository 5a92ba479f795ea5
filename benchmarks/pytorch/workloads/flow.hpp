// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/rectified_flow.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// A rectified flow by a U-Net of 32 and 64 channels over patches of 2×2 pixels: a step with Adam on 4 clips of 16
/// frames, 32×32.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> flow_workloads(Index scale = 1) {
  constexpr int w = 32, frames = 16, level = 64;
  using Model = RectifiedFlow32<1, 0, w>;
  const Index batch = 4 * scale;
  // Of one clip: places of the upper and the lower level.
  constexpr double upper = frames * 16 * 16, lower = frames * 8 * 8;
  constexpr auto residual = [](double places, double in, double out) {
    return gflop(places, 9, in, out) + gflop(places, 9, out, out) + (in == out ? 0 : gflop(places, 1, in, out)) +
           gflop(1, 1, level, 2 * out);
  };
  constexpr auto attention = [](double places, double tokens, double c) {
    return gflop(places, 4, c, c) + gflop(places, 2, tokens, c);
  };
  constexpr auto both = [=](double c) { return attention(lower, 64, c) + attention(lower, frames, c); };
  constexpr double edge = gflop(upper, 9, 4, w), between = gflop(lower, 16, w, 2 * w);
  constexpr double down = residual(upper, w, w) + attention(upper, frames, w) + residual(lower, 2 * w, 2 * w);
  constexpr double middle = residual(lower, 2 * w, 2 * w) + 3 * both(2 * w);  // and the attention beside it
  constexpr double up = residual(lower, 4 * w, 2 * w) + residual(upper, 2 * w, w) + attention(upper, frames, w);
  constexpr double step = 3 * (2 * edge + 2 * between + down + middle + up) - edge;

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, frames, 32, 32, 1}, rng);
    return training_step<Model, T, B>(clips);
  };
  return {{"flow_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
