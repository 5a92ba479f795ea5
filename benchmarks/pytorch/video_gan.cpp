// The generator and discriminator of clips, base width 32: a step of both with Adam on 4 clips of 16×64×64×3.
#include <memory>

#include <flipbook/models/gan/video_gan.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "turns.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  using benchmark::gflop;
  constexpr Index batch = 4;
  constexpr double first = gflop(16 * 32 * 32, 48, 3, 32) * batch;  // the discriminator's; the generator's last mirrors it
  constexpr double inner =
      (gflop(8 * 16 * 16, 64, 32, 64) + gflop(4 * 8 * 8, 64, 64, 128) + gflop(2 * 4 * 4, 64, 128, 256)) * batch;
  constexpr double discriminator = first + inner + gflop(1, 32, 256, 1) * batch;
  constexpr double generator = gflop(1, 32, 100, 256) * batch + inner + first;
  constexpr double step = 2 * (3 * discriminator - first) + 2 * discriminator + 3 * generator;  // as in dcgan.cpp

  const auto train = [] {
    const auto trainer = std::make_shared<Trainer<VideoGan<>, float, Cpu, optim::Adam>>(
        Module<VideoGan<>, float>{Rng{0}}, optim::Adam{.learning_rate = 2e-4, .beta1 = 0.5});
    Rng rng{1};
    const auto clips = uniform<float>({batch, 16, 64, 64, 3}, rng);
    return [=] { trainer->step(clips); };
  };
  return benchmark::take_turns(count, arguments, {{"video_gan_step", step, train}});
}
