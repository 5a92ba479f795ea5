// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/metrics/codes.hpp>
#include <flipbook/optim/adam.hpp>

#include "models.hpp"
#include "training.hpp"

namespace flipbook::examples {

struct TokenSettings {
  TrainingOptions training{.out = "out/tokens", .steps = 1000, .batch = 8};
  std::string quantizer = "scalar", prior = "causal";
  Index prior_steps = 2000, top_k = 0, sampling_steps = 12;
  double learning_rate = 1e-3, temperature = 1, top_p = 1, confidence_temperature = 4.5;

  /// How a prior draws.
  template <class Sampling>
  Sampling sampling() const {
    const likelihood::Sampling codes{temperature, top_k, top_p};
    if constexpr (std::same_as<Sampling, masked::Sampling>) return {sampling_steps, confidence_temperature, codes};
    else return codes;
  }
};

/// Trains a tokenizer on a backend, writes reconstructions, and says how many of its codes it uses.
/// @return  false after Ctrl-C
template <class Tokenizer, class B>
bool train_tokenizer(const TokenSettings& settings, const TrainingOptions& options, const Data& data) {
  Trainer trainer{Module<Tokenizer, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  return train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "tokenizer"}, [&](const Showing& show) {
    const auto real = batch_on<B>(data.test, 0, 8), unseen = batch_on<B>(data.test, 100, 32);  // (N, T, H, W, C)
    const auto& model = trainer.model;
    show("reconstructions", concat(0, real, model->reconstruct(real)), 8);
    if (!show.last) return;
    // [tokenizer]
    const auto codes = model->codes(unseen);  // (32, 4, 8, 8)
    const auto again = model->decode(codes);  // what reconstruct(unseen) gives, to the bit
    constexpr Index count = Tokenizer::QuantizerOf::codes;
    const double used = metrics::perplexity(to<Cpu>(codes), count);
    // [/tokenizer]
    std::printf("unseen clips: %.1f nats, squared error %.5f, perplexity %.1f of %td codes\n",
                static_cast<double>(model->loss(unseen).item()),
                static_cast<double>(mean(square(again - unseen)).item()), used, count);
  });
}

/// Trains a transformer on the codes of a tokenizer that was trained before, and writes clips, new ones and some that
/// go on from the first eight frames of unseen ones.
template <class Model, class B>
void train_prior(const TokenSettings& settings, const TrainingOptions& options, const std::filesystem::path& tokenizer,
                 const Data& data) {
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  load_weights(tokenizer, trainer.model->tokenizer);
  const auto& model = trainer.model;
  const auto how = settings.sampling<typename Of<Model, float, B>::Sampling>();
  train(trainer, data, options, {.step = {.clip_norm = 1}, .title = "prior"}, [&](const Showing& show) {
    Rng rng{7};
    const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
    // [prior]
    const auto drawn = model->sample(model->begin(16), rng, how);           // (16, T, H, W, C)
    const auto half = slice(real, 1, 0, real.extent(1) / 2);                // (8, T/2, H, W, C)
    const auto continued = model->sample(model->begin(8), half, rng, how);  // (8, T, H, W, C)
    // [/prior]
    show("samples", drawn, 8);
    show("continued", concat(0, real, continued), 8);
    if (!show.last) return;

    const auto unseen = batch_on<B>(data.test, 100, 32);  // (32, T, H, W, C)
    if constexpr (requires { model->log_likelihood(model->begin(32), unseen); }) {
      std::printf("codes of unseen clips: %.2f nats each\n",
                  -static_cast<double>(mean(model->log_likelihood(model->begin(32), unseen)).item()) / Model::length);
    } else {
      Tape tape{Rng{7}};
      std::printf("loss on unseen clips: %.4f\n", static_cast<double>(model->loss(tape, unseen).item()));
    }
  });
}

// In train_tokens/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_prior, ClipMaskGit<ScalarTokenizer>,
                         (const TokenSettings&, const TrainingOptions&, const std::filesystem::path&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_prior, ClipMaskGit<VectorTokenizer>,
                         (const TokenSettings&, const TrainingOptions&, const std::filesystem::path&, const Data&))

/// Both stages, each in a folder of its own: one for each kind of prior, which share the tokenizer.
template <class Tokenizer, class B>
void train_tokens(const TokenSettings& settings, const Data& data) {
  TrainingOptions first = settings.training, second = settings.training;
  first.in_stage("tokenizer");
  const bool masked = settings.prior == "masked";
  second.in_stage(masked ? "masked" : "prior");
  second.steps = settings.prior_steps;
  second.resume = second.resume && std::filesystem::exists(checkpoint_of(second));
  if (!train_tokenizer<Tokenizer, B>(settings, first, data)) return;
  if (masked) train_prior<ClipMaskGit<Tokenizer>, B>(settings, second, checkpoint_of(first), data);
  else train_prior<ClipGpt<Tokenizer>, B>(settings, second, checkpoint_of(first), data);
}

}  // namespace flipbook::examples
