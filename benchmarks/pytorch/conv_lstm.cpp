// Two ConvLSTMs of 64 channels, 5×5, on frames of 64×64 folded into 16×16×16: a step with Adam on 8 clips of 20 frames,
// and 10 frames predicted after 10 seen.
#include <memory>

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "turns.hpp"

int main(int count, char** arguments) {
  using namespace flipbook;
  using benchmark::gflop;
  using Model = Autoregressive<ConvLstm<>>;
  constexpr Index batch = 8, frames = 20;
  constexpr double first = gflop(256, 25, 16, 256);  // the part of the first layer that reads the frames
  constexpr double frame = first + gflop(256, 25, 64, 256) + gflop(256, 25, 128, 256) + gflop(256, 1, 64, 16);
  constexpr double step = (3 * frame - first) * (frames - 1) * batch;

  const auto model = [] {
    Module<Model, float> untrained{Rng{0}};
    untrained->given = 1;
    return untrained;
  };
  const auto train = [model] {
    const auto trainer =
        std::make_shared<Trainer<Model, float, Cpu, optim::Adam>>(model(), optim::Adam{.learning_rate = 1e-3});
    Rng rng{1};
    const auto clips = uniform<float>({batch, frames, 64, 64, 1}, rng);
    return [=] { trainer->step(clips); };
  };
  const auto predict = [model] {
    const auto predictor = std::make_shared<Module<Model, float>>(model());
    Rng rng{1};
    const auto seen = uniform<float>({1, 10, 64, 64, 1}, rng);
    return [=] { (*predictor)->predict(seen, 10); };
  };
  return benchmark::take_turns(count, arguments,
                               {{"conv_lstm_step", step, train}, {"conv_lstm_predict", frame * 19, predict}});
}
