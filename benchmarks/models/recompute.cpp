// SPDX-License-Identifier: MIT
// What recomputing the blocks of a network saves and costs: the memory and the time of training steps with and without,
// on 16 clips of 16 frames of 32×32 pixels, in turns.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include <flipbook/models/flow/rectified_flow.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace {

using namespace flipbook;

constexpr nn::UNetOptions unet(bool recompute) {
  nn::UNetOptions options = rectified_flow::unet(2, 32, 0);
  options.recompute = recompute;
  return options;
}
constexpr nn::SpaceTimeOptions transformer(bool recompute) {
  nn::SpaceTimeOptions options = rectified_flow::transformer(4, 96, 4, 0);
  options.recompute = recompute;
  return options;
}

/// The least seconds of a step, and the most bytes that it takes beyond the model.
template <class Model>
struct Steps {
  Trainer<Model, float, Cpu, optim::Adam> trainer{Module<Model, float>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}};
  double seconds = 1e9, megabytes = 0;

  void step(const Tensor<float>& clips) {
    const std::size_t before = Cpu::memory().in_use;
    Cpu::reset_memory_peak();
    const auto start = std::chrono::steady_clock::now();
    (void)trainer.step(clips);
    seconds = std::min(seconds, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    megabytes = static_cast<double>(Cpu::memory().peak - before) / 1e6;
  }
};

template <class Kept, class Recomputed>
void compare(const char* name) {
  Steps<Kept> kept;
  Steps<Recomputed> recomputed;
  Rng rng{2};
  const auto clips = uniform<float>({16, 16, 32, 32, 1}, rng);
  for (int i = 0; i < 10; ++i) kept.step(clips), recomputed.step(clips);
  std::printf("%-12s kept %8.1f MB %7.3f s   recomputed %8.1f MB %7.3f s\n", name, kept.megabytes, kept.seconds,
              recomputed.megabytes, recomputed.seconds);
}

}  // namespace

int main() {
  compare<Flow<nn::UNet<3, 1, unet(false)>>, Flow<nn::UNet<3, 1, unet(true)>>>("UNet");
  compare<Flow<nn::SpaceTimeTransformer<1, transformer(false)>>, Flow<nn::SpaceTimeTransformer<1, transformer(true)>>>(
      "transformer");
}
