// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/dynamic_filter.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// A dynamic filter network of 48 channels, two filters of 9×9 for each block of 4×4 pixels: a step on log p of every
/// frame with Adam on 8 clips of 20 frames, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> dynamic_filter_workloads(Index scale = 1) {
  constexpr int d = 48, filters = 2, taps = 9 * 9, area = 4 * 4, history = 6, frames = 20;
  using Model = Autoregressive<
      DynamicFilterNetwork<1, dynamic_filter::Options{.hidden = d, .filters = filters, .history = history}>>;
  const Index batch = 8 * scale;
  // Of one frame.
  constexpr double first = gflop(256, 9, history * area, d);
  constexpr double network =
      gflop(256, 9, d, 2 * d) + gflop(256, 9, 2 * d, 4 * d) + gflop(256, 1, d, filters * taps + (filters + 2) * area);
  constexpr double filtering = gflop(64 * 64, taps, 1, filters);
  constexpr double step = frames * (2 * first + 3 * network + 2 * filtering);  // frames have no gradient

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, frames, 64, 64, 1}, rng);
    return training_step<Model, T, B>(clips);
  };
  return {{"dynamic_filter_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
