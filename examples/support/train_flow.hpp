// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/flow/diffusion_forcing.hpp>
#include <flipbook/optim/adam.hpp>

#include "training.hpp"

namespace flipbook::examples {

struct FlowSettings {
  TrainingOptions training{.out = "out/flow", .steps = 1000, .batch = 8};
  std::string model = "unet";
  double learning_rate = 2e-3;
  std::string solver = "heun";
  Index sampling_steps = 20, autoencoder_steps = 1000;

  flow::Sampling sampling() const {
    const auto method = solver == "euler"  ? flow::Solver::euler
                        : solver == "heun" ? flow::Solver::heun
                                           : flow::Solver::dormand_prince;
    return {.integration = {.solver = method, .steps = sampling_steps}};
  }
};

/// Trains a flow on a backend with a moving average of its parameters, and writes new clips by the average, and unseen
/// clips continued after their first frames.
template <class Model, class B>
void train_flow(const FlowSettings& settings, const Data& data) {
  const TrainingOptions& options = settings.training;
  constexpr Index count = 8, given = 4;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  trainer.keep_average(0.99);
  train(trainer, data, options, {.step = {.clip_norm = 10}, .title = "flow"}, [&](const Showing& show) {
    Rng rng{7};
    const auto real = batch_on<B>(data.test, 0, count);  // (8, T, H, W, C)
    const Index frames = real.extent(1);
    trainer.with_average([&] {
      const auto& flow = trainer.model;
      const auto context = slice(real, 1, 0, given);  // (8, 4, H, W, C)
      // With a level for each frame clips may become longer than those of training.
      const Index more = settings.model == "forcing" ? 2 * frames - given : frames - given;
      // [flow-sample]
      const auto clips = flow->sample(real.shape(), rng, settings.sampling());  // (8, T, H, W, C)
      const auto next = flow->sample(context, more, rng, settings.sampling());  // (8, more, H, W, C)
      // [/flow-sample]
      show("samples", clips, 4);
      show("continued", concat(1, context, next), 4);
      return 0;
    });
  });
}

}  // namespace flipbook::examples
