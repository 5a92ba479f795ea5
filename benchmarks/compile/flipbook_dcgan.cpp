// SPDX-License-Identifier: MIT
// The tutorial's DCGAN, trained for a few steps on noise in place of pictures: what libtorch_dcgan.cpp is.
#include <cstdio>
#include <cstdlib>

#include <flipbook/models/gan/dcgan.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace fb = flipbook;

int main(int count, char** arguments) {
  const int steps = count > 1 ? std::atoi(arguments[1]) : 3;
  fb::Trainer trainer{fb::Module<fb::Dcgan<>, float>{fb::Rng{0}}, fb::optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5}};
  fb::Rng rng{1};
  const auto pictures = fb::uniform<float>({64, 32, 32, 3}, rng);
  for (int step = 1; step <= steps; ++step) {
    std::printf("%d", step);
    for (const auto& [name, loss] : trainer.step(pictures)) std::printf("  %s %.3f", name.c_str(), loss);
    std::printf("\n");
  }
}
