// SPDX-License-Identifier: MIT
// How the time of a training step grows with the batch and with the length of its clips: per frame it should not.
#include <memory>

#include <benchmark/benchmark.h>

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace {

using namespace flipbook;

template <class Model>
void step(benchmark::State& state, const Shape& clips) {
  Trainer<Model, float, Cpu, optim::Adam> trainer{Module<Model, float>{Rng{0}}, optim::Adam{}};
  Rng rng{1};
  const auto batch = uniform<float>(clips, rng);
  trainer.step(batch);  // what the pool asks of the system
  for (auto _ : state) trainer.step(batch);
  const Index frames = clips[0] * clips[1];
  state.counters["ms/frame"] = benchmark::Counter(
      1e-3 * static_cast<double>(frames), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

/// Clips of 64×64 pixels.
template <class Model>
void add(const char* name, std::initializer_list<Index> batches, std::initializer_list<Index> lengths) {
  for (const Index batch : batches) {
    for (const Index frames : lengths) {
      const std::string full = std::string(name) + "/" + std::to_string(batch) + " x " + std::to_string(frames);
      benchmark::RegisterBenchmark(full.c_str(),
                                   [=](benchmark::State& state) {
                                     step<Model>(state, {batch, frames, 64, 64, 1});
                                   })
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  add<Autoregressive<ConvLstm<>>>("growth conv_lstm", {1, 2, 4, 8}, {10});
  add<Autoregressive<ConvLstm<>>>("growth conv_lstm", {2}, {20, 40, 80});
  add<VideoVae<1, 16, 64>>("growth video_vae", {1, 2, 4, 8, 16, 32}, {16});
  benchmark::RunSpecifiedBenchmarks();
}
