// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/simvp.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// SimVP with four blocks of gated attention, 32 channels a frame and 256 of all frames: a step on the squared error
/// with Adam on 4 clips of 10 frames seen and 10 predicted, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> simvp_workloads(Index scale = 1) {
  constexpr int seen = 10, s = 32, hidden = 256, blocks = 4, expansion = 4;
  using Model =
      SimVp<seen, 1, simvp::Options{.spatial = s, .hidden = hidden, .blocks = blocks, .expansion = expansion}>;
  const Index batch = 4 * scale;
  // Of one frame.
  constexpr double first = gflop(64 * 64, 9, 1, s);
  constexpr double encoder = 2 * gflop(32 * 32, 9, s, s) + gflop(16 * 16, 9, s, s);
  constexpr double decoder = gflop(16 * 16, 9, s, 4 * s) + gflop(32 * 32, 9, s, s) + gflop(32 * 32, 9, s, 4 * s) +
                             gflop(64 * 64, 9, s, s) + gflop(64 * 64, 1, s, 1);
  // Of one clip.
  constexpr auto block = [](double c) {
    return gflop(256, 4 + 2 * expansion, c, c) + gflop(256, 5 * 5 + 7 * 7 + expansion * 3 * 3, 1, c);
  };
  constexpr double bridges = 2 * gflop(256, 1, seen * s, hidden);
  constexpr double translator = block(seen * s) + (blocks - 1) * block(hidden) + bridges;
  constexpr double step = 3 * (seen * (first + encoder + decoder) + translator) - seen * first;

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, 2 * seen, 64, 64, 1}, rng);
    return training_step<Model, T, B>(clips);
  };
  return {{"simvp_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
