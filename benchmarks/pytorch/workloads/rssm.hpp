// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/data/annotated_clip.hpp>
#include <flipbook/models/state_space/rssm.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// The recurrent state-space model with two actions, which foretells three numbers of the state: a step on its ELBO
/// with Adam on 8 clips of 16 frames, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> rssm_workloads(Index scale = 1) {
  constexpr int actions = 2, w = 16, hidden = 256, groups = 16, classes = 16, state = 3, frames = 16;
  using Model = Rssm<actions, 1, 64, w, hidden, groups, classes, state>;
  const Index batch = 8 * scale;
  // Of one frame.
  constexpr int z = groups * classes, map = 4 * 4 * 8 * w;
  constexpr double first = gflop(32 * 32, 16, 1, w);
  constexpr double inner = gflop(16 * 16, 16, w, 2 * w) + gflop(8 * 8, 16, 2 * w, 4 * w) + gflop(16, 16, 4 * w, 8 * w);
  constexpr double encoder = inner + gflop(1, 1, map, hidden), decoder = inner + first + gflop(1, 1, hidden + z, map);
  constexpr double transition = gflop(1, 1, z + actions, hidden) + gflop(1, 1, 2 * hidden, 3 * hidden);
  constexpr double prior = gflop(1, 1, hidden, hidden) + gflop(1, 1, hidden, z);
  constexpr double posterior = gflop(1, 1, 2 * hidden, hidden) + gflop(1, 1, hidden, z);
  constexpr double head = gflop(1, 1, hidden + z, hidden) + gflop(1, 1, hidden, state);
  constexpr double step = frames * (2 * first + 3 * (encoder + transition + prior + posterior + decoder + head));

  const auto train = [=] {
    Rng rng{1};
    const ClipWithActions<Tensor<T, B>> clips{uniform<T, B>({batch, frames, 64, 64, 1}, rng),
                                              uniform<T, B>({batch, frames, actions}, rng),
                                              uniform<T, B>({batch, frames, state}, rng)};
    return training_step<Model, T, B>(clips);
  };
  return {{"rssm_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
