// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "workload.hpp"

namespace flipbook::benchmark {

/// The generator and discriminator of clips, base width 32: a step of both with Adam on 4 clips of 16×64×64×3.
/// @param scale  by how much the training batch is larger
template <class T, class B>
std::vector<Workload> video_gan_workloads(Index scale = 1) {
  const Index batch = 4 * scale;
  // Of one clip.
  constexpr double first = gflop(16 * 32 * 32, 48, 3, 32);  // the discriminator's; the generator's last mirrors it
  constexpr double inner =
      gflop(8 * 16 * 16, 64, 32, 64) + gflop(4 * 8 * 8, 64, 64, 128) + gflop(2 * 4 * 4, 64, 128, 256);
  constexpr double discriminator = first + inner + gflop(1, 32, 256, 1);
  constexpr double generator = gflop(1, 32, 100, 256) + inner + first;
  constexpr double step = 2 * (3 * discriminator - first) + 2 * discriminator + 3 * generator;  // as in dcgan.hpp

  const auto train = [=] {
    const auto trainer = std::make_shared<Trainer<VideoGan<>, T, B, optim::Adam>>(
        Module<VideoGan<>, T, B>{Rng{0}}, optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5});
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, 16, 64, 64, 3}, rng);
    return [=] { trainer->step(clips); };
  };
  return {{"video_gan_step", batch, step, train}};
}

}  // namespace flipbook::benchmark
