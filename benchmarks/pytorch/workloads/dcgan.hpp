// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "workload.hpp"

namespace flipbook::benchmark {

/// The tutorial's generator and discriminator: a step of both with Adam on 64 frames of 32×32, and 64 samples.
/// @param scale  by how much the training batch is larger
template <class T, class B>
std::vector<Workload> dcgan_workloads(Index scale = 1) {
  constexpr Index least = 64;
  const Index batch = least * scale;
  // Of one frame.
  constexpr double first = gflop(256, 16, 3, 128);  // the discriminator's; the generator's last mirrors it
  constexpr double inner = gflop(64, 16, 128, 256) + gflop(16, 16, 256, 512);
  constexpr double discriminator = first + inner + gflop(1, 16, 512, 1);
  constexpr double generator = gflop(1, 16, 100, 512) + inner + first;
  // Forward and two gradients for each batch of each network, but nobody asks for those of data and noise, nor, in
  // the generator's step, for those of the discriminator's weights.
  constexpr double step = 2 * (3 * discriminator - first) + 2 * discriminator + 3 * generator;

  const auto train = [=] {
    const auto trainer = std::make_shared<Trainer<Dcgan<>, T, B, optim::Adam>>(
        Module<Dcgan<>, T, B>{Rng{0}}, optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5});
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, 32, 32, 3}, rng);
    return [=] { trainer->step(clips); };
  };
  const auto sample = [=] {
    const auto gan = std::make_shared<Module<Dcgan<>, T, B>>(Rng{0});
    Rng rng{1};
    const auto z = (*gan)->noise(least, rng);
    return [=] { (*gan)->generator(z); };
  };
  return {{"dcgan_step", batch, step, train}, {"dcgan_sample", least, generator, sample}};
}

}  // namespace flipbook::benchmark
