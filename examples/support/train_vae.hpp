// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/vae/vae_gan.hpp>
#include <flipbook/optim/adam.hpp>

#include "training.hpp"

namespace flipbook::examples {

struct VaeSettings {
  TrainingOptions training{.out = "out/vae", .steps = 2000, .batch = 8};
  std::string model = "clip";
  double learning_rate = 1e-3, beta = 1, free_bits = 0;
};

/// The autoencoder of a model: itself, or the one that faces a discriminator.
template <class Model>
auto& autoencoder(Model& model) {
  if constexpr (requires { model->vae; }) return model->vae;
  else return *model.operator->();
}

/// Trains a variational autoencoder on a backend, and writes reconstructions, new clips, and the way from one clip to
/// another.
/// @param codes  how many it takes for eight new clips: {8}, or {8, T} where each frame has one
template <class Model, class B>
void train_vae(const VaeSettings& settings, const Data& data, const Shape& codes) {
  const TrainingOptions& options = settings.training;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  auto& vae = autoencoder(trainer.model);
  vae.settings = {.beta = settings.beta, .free_bits = settings.free_bits};
  train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "vae"}, [&](const Showing& show) {
    Rng rng{7};
    const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
    show("reconstructions", concat(0, real, vae.reconstruct(real)), 8);
    show("samples", vae.sample(codes, rng), 8);
    show("interpolation", vae.interpolate(real[0], real[1], 8), 8);
    if (!show.last) return;

    const auto unseen = batch_on<B>(data.test, 100, 16);  // (16, T, H, W, C)
    std::printf("ELBO on unseen clips: %.1f nats\n", static_cast<double>(mean(vae.elbo(unseen, rng)).item()));
  });
}

}  // namespace flipbook::examples
