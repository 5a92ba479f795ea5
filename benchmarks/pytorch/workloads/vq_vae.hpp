// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/vq_vae.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// The tokenizer of clips, 64 channels wide, with a codebook of 512 vectors of 32 numbers: a step with Adam on 4 clips
/// of 16 frames, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> vq_vae_workloads(Index scale = 1) {
  constexpr int w = 64, size = 32, codes = 512;
  using Model = VideoVqVae<1, w, quantizer::Vector<codes, size>>;
  const Index batch = 4 * scale;
  // Of one clip.
  constexpr double places = 4 * 8 * 8;
  constexpr double edge = gflop(16 * 32 * 32, 3 * 16, 1, w / 2);
  constexpr double halves = gflop(8 * 16 * 16, 64, w / 2, w) + gflop(places, 64, w, w);
  constexpr double blocks = 2 * (gflop(places, 27, w, w) + gflop(places, 1, w, w));
  constexpr double encoder = halves + blocks + gflop(places, 1, w, size);
  constexpr double decoder = gflop(places, 27, size, w) + blocks + halves;
  // The nearest vector and the sums of those that chose it have no gradient.
  constexpr double step = 3 * (2 * edge + encoder + decoder) - edge + 2 * gflop(places, 1, codes, size);

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, 16, 64, 64, 1}, rng);
    return training_step<Model, T, B>(clips);
  };
  return {{"vq_vae_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
