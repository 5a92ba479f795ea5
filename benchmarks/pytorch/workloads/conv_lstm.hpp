// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "workload.hpp"

namespace flipbook::benchmark {

/// Two ConvLSTMs of 64 channels, 5×5, on frames of 64×64 folded into 16×16×16: a step with Adam on 8 clips of 20
/// frames, and 10 frames predicted after 10 seen.
/// @param scale  by how much the training batch is larger
template <class T, class B>
std::vector<Workload> conv_lstm_workloads(Index scale = 1) {
  using Model = Autoregressive<ConvLstm<>>;
  constexpr Index frames = 20, predicted = 10;
  const Index batch = 8 * scale;
  // Of one frame, and of a clip.
  constexpr double first = gflop(256, 25, 16, 256);  // the part of the first layer that reads the frames
  constexpr double frame = first + gflop(256, 25, 64, 256) + gflop(256, 25, 128, 256) + gflop(256, 1, 64, 16);
  constexpr double step = (3 * frame - first) * (frames - 1);

  const auto model = [] {
    Module<Model, T, B> untrained{Rng{0}};
    untrained->context_frames = 1;
    return untrained;
  };
  const auto train = [=] {
    const auto trainer =
        std::make_shared<Trainer<Model, T, B, optim::Adam>>(model(), optim::Adam{.learning_rate = 1e-3});
    Rng rng{1};
    const auto clips = uniform<T, B>({batch, frames, 64, 64, 1}, rng);
    return [=] { trainer->step(clips); };
  };
  const auto predict = [=] {
    const auto predictor = std::make_shared<Module<Model, T, B>>(model());
    Rng rng{1};
    const auto seen = uniform<T, B>({1, 10, 64, 64, 1}, rng);
    return [=] { (*predictor)->predict(seen, predicted); };
  };
  return {{"conv_lstm_step", batch, step, train}, {"conv_lstm_predict", predicted, 19 * frame / predicted, predict}};
}

}  // namespace flipbook::benchmark
