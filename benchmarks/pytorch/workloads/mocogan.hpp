// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/gan/mocogan.hpp>

#include "training.hpp"
#include "workload.hpp"

namespace flipbook::benchmark {

/// MoCoGAN, its first layers of 32 channels: a step of the generator and both discriminators with Adam on 4 clips of 16
/// frames, 64×64.
/// @param scale  by how much the batch is larger
template <class T, class B>
std::vector<Workload> mocogan_workloads(Index scale = 1) {
  constexpr int w = 32, content = 50, motion = 10, frames = 16;
  using Model = MoCoGan<3, w, 0, loss::NonSaturating, content, motion>;
  const Index batch = 4 * scale;
  // Of one frame: the image discriminator, and the generator, which mirrors it.
  constexpr double first = gflop(32 * 32, 16, 3, w);
  constexpr double inner = gflop(16 * 16, 16, w, 2 * w) + gflop(8 * 8, 16, 2 * w, 4 * w) + gflop(16, 16, 4 * w, 8 * w);
  constexpr double image = first + inner + gflop(1, 16, 8 * w, 1);
  constexpr double generator =
      frames * (gflop(1, 16, content + motion, 8 * w) + inner + first + gflop(1, 1, 2 * motion, 3 * motion));
  // Of one clip.
  constexpr double begin = gflop(13 * 32 * 32, 64, 3, w);
  constexpr double video = begin + gflop(10 * 16 * 16, 64, w, 2 * w) + gflop(7 * 8 * 8, 64, 2 * w, 4 * w) +
                           gflop(4 * 16, 64, 4 * w, 8 * w) + gflop(1, 64, 8 * w, 1);
  // Of data and samples three passes each, but for the gradient of what they see; in the generator's turn two.
  constexpr double step = 2 * (3 * image - first + 3 * video - begin) + 2 * (image + video) + 3 * generator;

  const auto train = [=] {
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, frames, 64, 64, 3}, rng);
    return training_step<Model, T, B>(clips, optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5});
  };
  return {{"mocogan_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
