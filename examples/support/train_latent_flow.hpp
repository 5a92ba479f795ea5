// SPDX-License-Identifier: MIT
#pragma once

#include "models.hpp"
#include "train_flow.hpp"

namespace flipbook::examples {

/// Trains the autoencoder of frames on a backend, writes reconstructions, and says how good those of unseen clips are.
/// @return  false after Ctrl-C
template <class Autoencoder, class B>
bool train_autoencoder(const TrainingOptions& options, const Data& data) {
  Trainer trainer{Module<Autoencoder, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = 1e-3}, options.seed};
  trainer.model->settings.beta = 0.1;  // the flow learns how latents are distributed, whatever it is
  return train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "autoencoder"}, [&](const Showing& show) {
    const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
    show("reconstructions", concat(0, real, trainer.model->reconstruct(real)), 8);
    if (!show.last) return;
    const auto unseen = batch_on<B>(data.test, 100, 32);  // (32, T, H, W, C)
    std::printf("unseen clips: squared error %.5f; %.5f of each pixel's mean\n",
                static_cast<double>(mean(square(trainer.model->reconstruct(unseen) - unseen)).item()),
                static_cast<double>(mean(square(mean(unseen, {0, 1}, true) - unseen)).item()));
  });
}

/// Says how well a flow in latents fits unseen clips, and how well it continues them, each beside what is trivial.
template <class B>
void report(const auto& model, const FlowSettings& settings, const auto& data, Rng& rng) {
  constexpr Index given = 4;
  const auto batch = whole_batch_on<B>(data.test, 100, 32);
  const auto unseen = clip_of(batch);  // (32, T, H, W, C)
  const Index frames = unseen.extent(1);
  Tape tape{rng.split()};
  std::printf("loss on unseen clips: %.4f; 2 of a velocity of 0, since noise and latents have a variance of 1\n",
              static_cast<double>(model->loss(tape, batch).item()));
  const auto next =
      model->sample(slice(unseen, 1, 0, given), frames - given, rng, settings.sampling(), classes_of(batch));
  const auto error = [&](const auto& guess) {
    return static_cast<double>(mean(square(guess - slice(unseen, 1, given, frames))).item());
  };
  std::printf("clips continued after %td frames: squared error %.5f; %.5f where the last frame stays\n", given,
              error(slice(next, 1, given, frames)), error(slice(unseen, 1, given - 1, given)));
}

/// Trains a flow in the latents of an autoencoder that was trained before, with a moving average of its parameters, and
/// writes new clips by the average, and unseen clips continued after their first frames; of a flow of classes, new
/// clips of each class, one a column.
/// @tparam Clips  Data, or DataOfClasses
template <class Model, class B, class Clips>
void train_in_latents(const FlowSettings& settings, const TrainingOptions& options,
                      const std::filesystem::path& autoencoder, const Clips& data) {
  constexpr Index columns = std::same_as<Clips, Data> ? 4 : classes, count = 2 * columns;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  // [measure]
  load_weights(autoencoder, trainer.model->autoencoder);
  Rng drawn{options.seed};
  trainer.model->measure(data.training, 256, drawn);
  // [/measure]
  trainer.keep_average(0.99);
  train(trainer, data, options, {.step = {.clip_norm = 10}, .title = "latent flow"}, [&](const Showing& show) {
    Rng rng{7};
    const auto batch = whole_batch_on<B>(data.test, 0, 8);
    const auto real = clip_of(batch);  // (8, T, H, W, C)
    const Index frames = real.extent(1);
    trainer.with_average([&] {
      const auto& model = trainer.model;
      const auto how = settings.sampling();
      Tensor<float, B> label{}, label_of_real = classes_of(batch);  // (N, K), (8, K); none without classes
      if (label_of_real.rank() > 0) label = labels_of<B>(count);
      // [latent-sample]
      Shape shape = model->latents(real).shape();  // (N, T, H/8, W/8, Z)
      shape[0] = count;
      const auto clips = model->sample(shape, rng, how, label);                             // (N, T, H, W, C)
      const auto context = slice(real, 1, 0, 4);                                            // (8, 4, H, W, C)
      const auto longer = model->sample(context, 2 * frames - 4, rng, how, label_of_real);  // (8, 2T, H, W, C)
      // [/latent-sample]
      show("samples", clips, columns);
      show("continued", longer, 4);
      if (show.last) report<B>(model, settings, data, rng);
      return 0;
    });
  });
}

/// Both stages, each in a folder of its own; flows with and without classes share the autoencoder.
/// @tparam Latent  names both models, as LatentClips does
/// @tparam Clips   Data, or DataOfClasses
template <class Latent, class B, class Clips>
void train_latent_flow(const FlowSettings& settings, const Clips& data) {
  constexpr bool of_classes = std::same_as<Clips, DataOfClasses>;
  TrainingOptions first = settings.training;
  first.in_stage("autoencoder");
  first.steps = settings.autoencoder_steps;
  const auto clips_alone = [&] {
    if constexpr (of_classes) return data.without_classes();
    else return data;
  };
  if (!train_autoencoder<typename Latent::Autoencoder, B>(first, clips_alone())) return;
  const auto second = stage_of(settings.training, of_classes ? "latent-classes" : "latent", settings.training.steps);
  train_in_latents<typename Latent::Model, B>(settings, second, checkpoint_of(first), data);
}

}  // namespace flipbook::examples
