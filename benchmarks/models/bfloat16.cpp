// SPDX-License-Identifier: MIT
// How training goes where convolutions multiply in bfloat16, beside the same training in float: the losses of both at
// each step, as `model,step,float,bfloat16`. benchmarks/models/curves.py draws them.
#include <cstdio>
#include <cstdlib>

#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace {

using namespace flipbook;

template <class Model>
void compare(const char* name, Index frames, Index steps) {
  constexpr Index batch = 4;
  const MovingShapes shapes({.frames = frames});
  const auto clips = [&](Index step) {
    List<Tensor<float>> all;
    for (Index i = 0; i < batch; ++i) {
      all.push_back(mean(shapes.clip(step * batch + i), {-1}).reshape({frames, 64, 64, 1}));
    }
    return stack(0, all);  // (batch, T, H, W, 1)
  };
  using Training = Trainer<Model, float, Cpu, optim::Adam>;
  const auto begun = [] { return Training{Module<Model, float>{Rng{0}}, optim::Adam{.learning_rate = 1e-3}}; };
  auto whole = begun(), rounded = begun();
  for (Index step = 0; step < steps; ++step) {
    const auto seen = clips(step);
    const auto loss = [&](Training& training, bool bfloat16) {
      cpu::arithmetic().bfloat16 = bfloat16;
      return training.step(seen, {.clip_norm = 1000}).front().second;
    };
    const double in_float = loss(whole, false), in_bfloat16 = loss(rounded, true);
    std::printf("%s,%td,%.6g,%.6g\n", name, step + 1, in_float, in_bfloat16);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const Index steps = count > 1 ? std::atoi(arguments[1]) : 400;
  compare<Autoregressive<ConvLstm<>>>("ConvLSTM", 10, steps);
  compare<VideoVae<1, 16, 64>>("autoencoder", 16, steps);
}
