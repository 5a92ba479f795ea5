// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/optim/adam.hpp>

#include "flow_models.hpp"
#include "training.hpp"

namespace flipbook::examples {

struct FlowSettings {
  TrainingOptions training{.out = "out/flow", .steps = 1000, .batch = 8};
  std::string model = "unet";
  double learning_rate = 2e-3, guidance = 1;
  std::string solver = "heun";
  Index sampling_steps = 20, autoencoder_steps = 1000;
  bool labels = false;

  flow::Sampling sampling() const {
    const auto method = solver == "euler"  ? flow::Solver::euler
                        : solver == "heun" ? flow::Solver::heun
                                           : flow::Solver::dormand_prince;
    return {.integration = {.solver = method, .steps = sampling_steps}, .guidance = 1 + guidance};
  }
};

/// Trains a flow on a backend with a moving average of its parameters, and writes new clips by the average, and unseen
/// clips continued after their first frames; of a flow of classes, new clips of each class, one a column.
/// @tparam Clips  Data, or DataOfClasses
template <class Model, class B, class Clips>
void train_flow(const FlowSettings& settings, const Clips& data) {
  const TrainingOptions& options = settings.training;
  constexpr Index given = 4, columns = std::same_as<Clips, Data> ? 4 : classes, count = 2 * columns;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  trainer.keep_average(0.99);
  train(trainer, data, options, {.step = {.clip_norm = 10}, .title = "flow"}, [&](const Showing& show) {
    Rng rng{7};
    const auto batch = whole_batch_on<B>(data.test, 0, 8);
    const auto real = clip_of(batch);  // (8, T, H, W, C)
    const Index frames = real.extent(1);
    trainer.with_average([&] {
      const auto& flow = trainer.model;
      const auto context = slice(real, 1, 0, given);  // (8, 4, H, W, C)
      Shape shape = real.shape();                     // (N, T, H, W, C)
      shape[0] = count;
      // With a level for each frame clips may become longer than those of training.
      const Index more = settings.model == "forcing" ? 2 * frames - given : frames - given;
      Tensor<float, B> label{}, label_of_real = classes_of(batch);  // (N, K), (8, K); none without classes
      if (label_of_real.rank() > 0) label = labels_of<B>(shape[0]);
      // [flow-sample]
      const auto clips = flow->sample(shape, rng, settings.sampling(), label);                 // (N, T, H, W, C)
      const auto next = flow->sample(context, more, rng, settings.sampling(), label_of_real);  // (8, more, H, W, C)
      // [/flow-sample]
      show("samples", clips, columns);
      show("continued", concat(1, context, next), 4);
      return 0;
    });
  });
}

}  // namespace flipbook::examples
