// The autoencoder of clips, base width 32, 128 latents: a step on the ELBO with Adam on 8 clips of 16×64×64, and 8
// samples.
#include <memory>

#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "turns.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  using benchmark::gflop;
  constexpr Index batch = 8;
  constexpr double first = gflop(16 * 32 * 32, 48, 1, 32) * batch;  // the encoder's; the decoder's last mirrors it
  constexpr double inner =
      (gflop(8 * 16 * 16, 64, 32, 64) + gflop(4 * 8 * 8, 64, 64, 128) + gflop(2 * 4 * 4, 64, 128, 256)) * batch;
  constexpr double encoder = first + inner + gflop(1, 1, 8192, 256) * batch;
  constexpr double decoder = gflop(1, 1, 128, 8192) * batch + inner + first;

  const auto train = [] {
    const auto trainer = std::make_shared<Trainer<VideoVae<>, float, Cpu, optim::Adam>>(Module<VideoVae<>, float>{Rng{0}},
                                                                                        optim::Adam{.learning_rate = 1e-3});
    Rng rng{1};
    const auto clips = uniform<float>({batch, 16, 64, 64, 1}, rng);
    return [=] { trainer->step(clips); };
  };
  const auto sample = [] {
    const auto vae = std::make_shared<Module<VideoVae<>, float>>(Rng{0});
    Rng rng{1};
    const auto z = normal<float>({batch, 128}, rng);
    return [=] { (*vae)->decode(z); };
  };
  return benchmark::take_turns(count, arguments, {{"video_vae_step", 3 * (encoder + decoder) - first, train},
                                                  {"video_vae_sample", decoder, sample}});
}
