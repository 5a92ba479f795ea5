// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/optim/adam.hpp>

#include "training.hpp"

namespace flipbook::examples {

struct GanSettings {
  TrainingOptions training{.out = "out/gan", .steps = 2000, .batch = 8};
  std::string model = "clip";
  double learning_rate = 2e-4;
};

/// n new clips in [0, 1], of so many frames where the model can be asked for them.
template <class Model, class T, class B>
Tensor<T, B> new_clips(const Module<Model, T, B>& gan, Index n, Index frames, Rng& rng) {
  if constexpr (requires { gan->generator; }) return gan->sample(n, rng);
  else return gan->model.sample(n, frames, rng);
}

/// Trains a generator against a discriminator on a backend, and writes new clips beside real ones.
template <class Model, class B>
void train_gan(const GanSettings& settings, const Data& data) {
  const TrainingOptions& options = settings.training;
  Module<Model, float, B> untrained{Rng{options.seed}};
  constexpr bool one_part = requires { untrained->generator; };  // else a model with more than convolutions
  if constexpr (one_part) {
    init::dcgan(untrained, Rng{options.seed + 1});
  } else {
    init::dcgan(untrained->model.main, Rng{options.seed + 1});
    init::dcgan(untrained->discriminator, Rng{options.seed + 2});
  }
  Trainer trainer{std::move(untrained), optim::Adam{.learning_rate = settings.learning_rate, .beta1 = 0.5},
                  options.seed};
  if constexpr (!one_part) trainer.scale_learning_rate("discriminator", 0.4);
  train(trainer, data, options, {.title = "gan"}, [&](const Showing& show) {
    Rng rng{7};
    const auto real = batch_of(data.test, 0, 16);  // (16, T, H, W, C)
    show("samples", new_clips(trainer.model, 16, real.extent(1), rng).reshape(real.shape()), 8);
    show("data", real, 8);
  });
}

}  // namespace flipbook::examples
