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
  Index prior_steps = 2000, adversarial_steps = 0, top_k = 0, sampling_steps = 12;
  double learning_rate = 1e-3, adversarial_weight = 1, temperature = 1, top_p = 1, confidence_temperature = 4.5;
  double guidance = 1;
  bool labels = false;

  /// How a prior draws.
  template <class Sampling>
  Sampling sampling() const {
    const likelihood::Sampling codes{temperature, top_k, top_p, labels ? guidance : 0};
    if constexpr (std::same_as<Sampling, masked::Sampling>) return {sampling_steps, confidence_temperature, codes};
    else return codes;
  }
};

/// Where the weights of a tokenizer are: all names in the file that begin so.
struct TokenizerWeights {
  std::filesystem::path path;
  std::string prefix;
};

/// Says how well a tokenizer, a module or a pointer to a member of one, gives back unseen clips, and how many of its
/// codes it uses.
template <class Tokenizer, class B>
void report(const auto& model, const Data& data) {
  const auto unseen = batch_on<B>(data.test, 100, 32);  // (32, T, H, W, C)
  // [tokenizer]
  const auto codes = model->codes(unseen);  // (32, 4, 8, 8), or (32, 293) of four scales
  const auto again = model->decode(codes);  // what reconstruct(unseen) gives, to the bit
  constexpr Index count = Tokenizer::QuantizerOf::codes;
  const double used = metrics::perplexity(to<Cpu>(codes), count);
  // [/tokenizer]
  std::printf("unseen clips: %.1f nats, squared error %.5f, perplexity %.1f of %td codes\n",
              static_cast<double>(model->loss(unseen).item()), static_cast<double>(mean(square(again - unseen)).item()),
              used, count);
}

/// Trains a tokenizer on a backend, writes reconstructions, and reports.
/// @return  false after Ctrl-C
template <class Tokenizer, class B>
bool train_tokenizer(const TokenSettings& settings, const TrainingOptions& options, const Data& data) {
  Trainer trainer{Module<Tokenizer, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  return train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "tokenizer"}, [&](const Showing& show) {
    const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
    show("reconstructions", concat(0, real, trainer.model->reconstruct(real)), 8);
    if (show.last) report<Tokenizer, B>(trainer.model, data);
  });
}

/// What begins each of n clips: a token of their classes, (n, K), one-hot, where the model has classes.
template <class B>
auto begin_of(const auto& model, Index n, const Tensor<float, B>& labels) {
  if constexpr (requires { model->begin(argmax(labels, -1)); }) return model->begin(argmax(labels, -1));
  else return model->begin(n);
}

// The priors, plain and of classes, under names without options in them, which nvcc 13 cannot always say.
template <class Tokenizer>
struct CausalPrior {
  using Model = ClipGpt<Tokenizer>;
  struct OfClasses {
    using Model = ClipGptOfClasses<Tokenizer>;
  };
};
template <class Tokenizer>
struct MaskedPrior {
  using Model = ClipMaskGit<Tokenizer>;
  struct OfClasses {
    using Model = ClipMaskGitOfClasses<Tokenizer>;
  };
};
struct ScalePrior {
  using Model = ClipVar;
  struct OfClasses {
    using Model = ClipVarOfClasses;
  };
};

/// Trains a transformer on the codes of a tokenizer that was trained before, and writes clips, new ones and, unless
/// codes are of scales, some that go on from the first eight frames of unseen ones. New ones of a model of classes are
/// of each of them, one a column.
/// @tparam Prior  names the model, as MaskedPrior does  @tparam Clips  Data, or DataOfClasses
template <class Prior, class B, class Clips>
void train_prior(const TokenSettings& settings, const TrainingOptions& options, const TokenizerWeights& tokenizer,
                 const Clips& data) {
  using Model = typename Prior::Model;
  constexpr Index columns = Model::classes > 0 ? classes : 8, count = 2 * columns;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  load_weights(tokenizer.path, trainer.model->tokenizer, tokenizer.prefix);
  const auto& model = trainer.model;
  const auto how = settings.sampling<typename Of<Model, float, B>::Sampling>();
  train(trainer, data, options, {.step = {.clip_norm = 1}, .title = "prior"}, [&](const Showing& show) {
    Rng rng{7};
    const auto new_ones = begin_of<B>(model, count, labels_of<B>(count));  // (N, 1)
    if constexpr (Model::of_scales) {
      show("samples", model->sample(new_ones, rng, how), columns);
    } else {
      const auto batch = whole_batch_on<B>(data.test, 0, 8);
      const auto real = clip_of(batch);                            // (8, T, H, W, C)
      const auto same = begin_of<B>(model, 8, classes_of(batch));  // (8, 1)
      // [prior]
      const auto drawn = model->sample(new_ones, rng, how);        // (N, T, H, W, C)
      const auto half = slice(real, 1, 0, real.extent(1) / 2);     // (8, T/2, H, W, C)
      const auto continued = model->sample(same, half, rng, how);  // (8, T, H, W, C)
      // [/prior]
      show("samples", drawn, columns);
      show("continued", concat(0, real, continued), 8);
    }
    if (!show.last) return;

    const auto batch = whole_batch_on<B>(data.test, 100, 32);
    const auto unseen = clip_of(batch);                            // (32, T, H, W, C)
    const auto first = begin_of<B>(model, 32, classes_of(batch));  // (32, 1)
    if constexpr (requires { model->log_likelihood(first, unseen); }) {
      std::printf("codes of unseen clips: %.2f nats each\n",
                  -static_cast<double>(mean(model->log_likelihood(first, unseen)).item()) / Model::length);
    } else {
      Tape tape{Rng{7}};
      std::printf("loss on unseen clips: %.4f\n", static_cast<double>(model->loss(tape, batch).item()));
    }
  });
}

/// Goes on with a tokenizer that was trained before, against discriminators of patches, and writes reconstructions:
/// clips, what it gave back before, and what it gives back now.
/// @return  false after Ctrl-C
template <class Tokenizer, class B>
bool train_vq_gan(const TokenSettings& settings, const TrainingOptions& options, const TokenizerWeights& tokenizer,
                  const Data& data) {
  Trainer trainer{Module<SharpTokenizer<Tokenizer>, float, B>{Rng{options.seed}},
                  optim::Adam{.learning_rate = settings.learning_rate / 2, .beta1 = 0.5}, options.seed};
  trainer.model->weight = settings.adversarial_weight;
  auto& model = trainer.model->model;
  load_weights(tokenizer.path, model, tokenizer.prefix);
  const auto real = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
  const auto before = model.reconstruct(real);
  return train(trainer, data, options, {.step = {.clip_norm = 1000}, .title = "vqgan"}, [&](const Showing& show) {
    show("reconstructions", concat(0, real, before, model.reconstruct(real)), 8);
    if (show.last) report<Tokenizer, B>(&model, data);
  });
}

// In train_tokens/, in a file each.
#define FLIPBOOK_TOKEN_STAGE(function, Model, Clips) \
  FLIPBOOK_ON_EACH_BACKEND(function, Model,          \
                           (const TokenSettings&, const TrainingOptions&, const TokenizerWeights&, const Clips&))
FLIPBOOK_TOKEN_STAGE(extern template bool train_vq_gan, ScalarTokenizer, Data)
FLIPBOOK_TOKEN_STAGE(extern template bool train_vq_gan, VectorTokenizer, Data)
FLIPBOOK_TOKEN_STAGE(extern template bool train_vq_gan, ScaleTokenizer, Data)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, MaskedPrior<ScalarTokenizer>, Data)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, MaskedPrior<VectorTokenizer>, Data)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, ScalePrior, Data)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, CausalPrior<ScalarTokenizer>::OfClasses, DataOfClasses)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, CausalPrior<VectorTokenizer>::OfClasses, DataOfClasses)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, MaskedPrior<ScalarTokenizer>::OfClasses, DataOfClasses)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, MaskedPrior<VectorTokenizer>::OfClasses, DataOfClasses)
FLIPBOOK_TOKEN_STAGE(extern template void train_prior, ScalePrior::OfClasses, DataOfClasses)

/// Trains the prior of classes where --labels asks for it, on the same clips.
template <class Prior, class B>
void train_either(const TokenSettings& settings, const TrainingOptions& options, const TokenizerWeights& tokenizer,
                  const Data& data) {
  if (settings.labels) {
    const TrainingOptions& all = settings.training;
    train_prior<typename Prior::OfClasses, B>(settings, options, tokenizer,
                                              open_classes(all.data, token_format, classes, all.seed));
  } else {
    train_prior<Prior, B>(settings, options, tokenizer, data);
  }
}

/// All stages, each in a folder of its own: causal and masked priors share the tokenizer. Those of one that has faced
/// discriminators have folders apart, since they know other codes; so has all that is of scales, and priors of classes.
template <class Tokenizer, class B>
void train_tokens(const TokenSettings& settings, const Data& data) {
  constexpr bool of_scales = std::same_as<Tokenizer, ScaleTokenizer>;
  const std::string kind = of_scales ? "scales-" : "";
  TrainingOptions first = settings.training;
  first.in_stage(kind + "tokenizer");
  if (!train_tokenizer<Tokenizer, B>(settings, first, data)) return;
  TokenizerWeights tokenizer{checkpoint_of(first), ""};
  std::string folder = kind + (settings.prior == "masked" ? "masked" : "prior");
  if (settings.adversarial_steps > 0) {
    const auto second = stage_of(settings.training, kind + "vqgan", settings.adversarial_steps);
    if (!train_vq_gan<Tokenizer, B>(settings, second, tokenizer, data)) return;
    tokenizer = {checkpoint_of(second), "model."};
    folder = "vqgan-" + folder;
  }
  if (settings.labels) folder += "-classes";
  const auto last = stage_of(settings.training, folder, settings.prior_steps);
  if constexpr (of_scales) train_either<ScalePrior, B>(settings, last, tokenizer, data);
  else if (settings.prior == "masked") train_either<MaskedPrior<Tokenizer>, B>(settings, last, tokenizer, data);
  else train_either<CausalPrior<Tokenizer>, B>(settings, last, tokenizer, data);
}

}  // namespace flipbook::examples
