// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/optim/adam.hpp>

#include "train_tokens.hpp"

namespace flipbook::examples {

/// Goes on with a tokenizer that was trained before, against discriminators of patches, and writes reconstructions:
/// clips, what it gave back before, and what it gives back now.
/// @return  false after Ctrl-C
template <class Tokenizer, class B>
bool train_vq_gan(const TokenSettings& settings, const TrainingOptions& options,
                  const std::filesystem::path& tokenizer, const Data& data) {
  Trainer trainer{Module<SharpTokenizer<Tokenizer>, float, B>{Rng{options.seed}},
                  optim::Adam{.learning_rate = settings.learning_rate / 2, .beta1 = 0.5}, options.seed};
  auto& model = trainer.model->model;
  load_weights(tokenizer, model);
  const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
  Module<Tokenizer, float, B> first;
  load_weights(tokenizer, first);
  const auto before = first->reconstruct(real);
  trainer.model->weight = settings.adversarial_weight;
  return train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "vqgan"}, [&](const Showing& show) {
    show("reconstructions", concat(0, real, before, model.reconstruct(real)), 8);
    if (show.last) report<Tokenizer, B>(&model, data);
  });
}

}  // namespace flipbook::examples
