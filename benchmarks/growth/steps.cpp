// How the time of a step of training grows with batch, frames and threads: where GFLOP/s stay the same, time grows
// with the work alone. A ConvLSTM takes clips of any length; the autoencoder of clips grows with the batch.
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/vae/video_vae.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "../pytorch/turns.hpp"

namespace {

using namespace flipbook;
using flipbook::benchmark::gflop;
using Adam = optim::Adam;

template <class Model>
void train(::benchmark::State& state, Module<Model, float> model, const Shape& shape, double work, int count) {
  const int before = threads();
  set_threads(count);
  {
    Trainer<Model, float, Cpu, Adam> trainer(std::move(model), Adam{.learning_rate = 1e-3});
    Rng rng{1};
    const auto clips = uniform<float>(shape, rng);
    trainer.step(clips);  // what comes after asks nothing of the system
    for (auto _ : state) trainer.step(clips);
  }
  set_threads(before);
  state.counters["GFLOP/s"] = ::benchmark::Counter(work, ::benchmark::Counter::kIsIterationInvariantRate);
}

void lstm_step(::benchmark::State& state, Index batch, Index frames, int count) {
  constexpr double first = gflop(256, 25, 16, 256);
  constexpr double frame = first + gflop(256, 25, 64, 256) + gflop(256, 25, 128, 256) + gflop(256, 1, 64, 16);
  Module<Autoregressive<ConvLstm<>>, float> model{Rng{0}};
  model->given = 1;
  const double work = (3 * frame - first) * double(frames - 1) * double(batch);
  train(state, std::move(model), {batch, frames, 64, 64, 1}, work, count);
}

void vae_step(::benchmark::State& state, Index batch, int count) {
  constexpr double first = gflop(16 * 32 * 32, 48, 1, 32);
  constexpr double inner =
      gflop(8 * 16 * 16, 64, 32, 64) + gflop(4 * 8 * 8, 64, 64, 128) + gflop(2 * 4 * 4, 64, 128, 256);
  constexpr double all = 2 * first + 2 * inner + gflop(1, 1, 8192, 256) + gflop(1, 1, 128, 8192);
  train(state, Module<VideoVae<>, float>{Rng{0}}, {batch, 16, 64, 64, 1}, (3 * all - first) * double(batch), count);
}

}  // namespace

int main(int count, char** arguments) {
  const auto add = [](const std::string& name, int threads, auto run) {
    const std::string full = name + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    ::benchmark::RegisterBenchmark(full.c_str(), run)->UseRealTime()->Unit(::benchmark::kMicrosecond);
  };
  for (const int threads : {1, 2}) {
    const auto lstm = [&](Index batch, Index frames) {
      add("conv_lstm batch " + std::to_string(batch) + " frames " + std::to_string(frames), threads,
          [=](auto& state) { lstm_step(state, batch, frames, threads); });
    };
    for (const Index batch : {1, 2, 4, 8}) lstm(batch, 6);
    for (const Index frames : {11, 21}) lstm(2, frames);
    for (const Index batch : {2, 4, 8, 16}) {
      add("video_vae batch " + std::to_string(batch), threads, [=](auto& state) { vae_step(state, batch, threads); });
    }
  }
  ::benchmark::Initialize(&count, arguments);
  ::benchmark::RunSpecifiedBenchmarks();
}
