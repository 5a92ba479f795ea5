// SPDX-License-Identifier: MIT
#include "autoregressive.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

namespace {

/// The same clip, continued by the model from what its first frames show.
template <class B, class Model>
Tensor<float> continued(const Model& model, const Task& task, const Tensor<float>& clips, Rng& rng) {
  const auto seen = slice(clips, 1, 0, given);                                  // (N, 8, 64, 64, 1)
  const auto at = (*task.tracker)->positions(seen);                             // (N, 8, 2)
  const auto pixels = mean(glimpse(seen, round(at), {picture, picture}), {1});  // (N, 1, 32, 32, 1)
  return to<Cpu>(model.continued(model.of_picture(to<B>(pixels)), model.of_path(to<B>(snapped(at))), frames, rng));
}

}  // namespace

/// A transformer over the codes of the picture and the positions of its frames.
template <class B>
Learned autoregressive(const Task& task) {
  const std::string name = "Autoregressive";
  const Pictures pictures(Scenes(task.clips(1, 5), *task.tracker));
  const Scenes scenes(task.clips(Autoregression::shown, 6), *task.tracker);

  Trainer coder{Module<PictureCodes, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  Learned learned;
  learned.complete =
      train(coder, pictures, task, name, {0, 0.2},
            {.batch = 32, .step = {.clip_norm = 1000}, .rate_of_share = schedule::trapezoid(2e-3, 0.05, 0.5, 4e-5)});

  Module<Autoregression, float, B> untrained{Rng{task.seed + 1}};
  Tensor<float, B> tokenizer = untrained.part(untrained->tokenizer);  // a view
  B::copy(tokenizer.data(), coder.model.parameters().data(),
          static_cast<std::size_t>(tokenizer.size()) * sizeof(float));
  Trainer prior{std::move(untrained), optim::Adam{.beta2 = 0.98}, task.seed};
  prior.keep_average(0.99);
  const auto sample = [&](Index n, Rng rng) {
    return to<Cpu>(prior.with_average([&] { return prior.model->sample(n, frames, rng); }));
  };
  learned.complete = learned.complete && train(prior, scenes, task, name, {0.2, 1},
                                               {.batch = 32,
                                                .step = {.clip_norm = 1},
                                                .rate_of_share = schedule::trapezoid(2.5e-3, 0.05, 0.6, 5e-5),
                                                .checkpoint = task.out / "autoregressive.safetensors"},
                                               [&] { learned.snapshots.push_back(sample(shown, Rng{7})); });

  Rng rng{17};
  const auto unseen = batch_of(task.data.test, 0, starts);
  learned.predictions =
      each(prior.with_average([&] { return continued<B>(*prior.model.operator->(), task, unseen, rng); }));
  learned.section = {.family = name,
                     .title = "Each token from those before it",
                     .idea =
                         "A picture becomes 64 codes of 125, each frame's position two tokens more. A transformer "
                         "learns which follows on which; a clip is a sequence drawn from it, of any length.",
                     .formula = formula::autoregressive,
                     .source_title = "autoregressive.hpp",
                     .source = shown_source("autoregressive.hpp", "autoregressive")};
  conclude(learned, task, prior, prior.model.parameters().size(), sample);
  return learned;
}

FLIPBOOK_DEMO_FAMILY(autoregressive)

}  // namespace flipbook::examples::demo
