// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "workload.hpp"

namespace flipbook::benchmark {

/// The autoencoder of clips, base width 32, 128 latents: a step on the ELBO with Adam on 8 clips of 16×64×64, and 8
/// samples.
/// @param scale  by how much the training batch is larger
template <class T, class B>
std::vector<Workload> video_vae_workloads(Index scale = 1) {
  constexpr Index least = 8;
  const Index batch = least * scale;
  // Of one clip.
  constexpr double first = gflop(16 * 32 * 32, 48, 1, 32);  // the encoder's; the decoder's last mirrors it
  constexpr double inner =
      gflop(8 * 16 * 16, 64, 32, 64) + gflop(4 * 8 * 8, 64, 64, 128) + gflop(2 * 4 * 4, 64, 128, 256);
  constexpr double encoder = first + inner + gflop(1, 1, 8192, 256);
  constexpr double decoder = gflop(1, 1, 128, 8192) + inner + first;

  const auto train = [=] {
    const auto trainer = std::make_shared<Trainer<VideoVae<>, T, B, optim::Adam>>(Module<VideoVae<>, T, B>{Rng{0}},
                                                                                  optim::Adam{.learning_rate = 1e-3});
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, 16, 64, 64, 1}, rng);
    return [=] { trainer->step(clips); };
  };
  const auto sample = [=] {
    const auto vae = std::make_shared<Module<VideoVae<>, T, B>>(Rng{0});
    Rng rng{1};
    const auto z = normal<T, B>({least, 128}, rng);
    return [=] { (*vae)->decode(z); };
  };
  return {{"video_vae_step", batch, 3 * (encoder + decoder) - first, train},
          {"video_vae_sample", least, decoder, sample}};
}

}  // namespace flipbook::benchmark
