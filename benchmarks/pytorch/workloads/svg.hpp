// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/state_space/svg.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// The stochastic video generator with a learned prior: a step on its ELBO with Adam on 8 clips of 15 frames, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> svg_workloads(Index scale = 1) {
  constexpr int w = 16, code = 128, hidden = 256, z = 10, frames = 15;
  using Model = Svg<1, 64, w, code, hidden, z>;
  const Index batch = 8 * scale;
  // Of one frame; the first is encoded alone.
  constexpr double first = gflop(32 * 32, 16, 1, w), bottom = gflop(1, 16, 8 * w, code);
  constexpr double inner = gflop(16 * 16, 16, w, 2 * w) + gflop(8 * 8, 16, 2 * w, 4 * w) + gflop(16, 16, 4 * w, 8 * w);
  constexpr double lstm = gflop(1, 1, 2 * hidden, 4 * hidden);
  constexpr double gaussian = gflop(1, 1, code, hidden) + lstm + gflop(1, 1, hidden, 2 * z);
  constexpr double emission = gflop(1, 1, code + z, hidden) + 2 * lstm + gflop(1, 1, hidden, code);
  constexpr double decoder = bottom + 2 * (inner + first);  // each map is joined by the encoder's
  constexpr double later = 2 * gaussian + emission + decoder;
  constexpr double step = 3 * (frames * (first + inner + bottom) + (frames - 1) * later) - frames * first;

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, frames, 64, 64, 1}, rng);
    return training_step<Model, T, B>(clips);
  };
  return {{"svg_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
