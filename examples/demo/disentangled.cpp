// SPDX-License-Identifier: MIT
#include "disentangled.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

/// A content code and motion codes, without the prior that a clip is one picture that moves.
template <class B>
Learned disentangled(const Task& task) {
  const std::string name = "Disentangled";
  Trainer trainer{Module<Disentangled, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  trainer.keep_average(0.995);
  const auto sample = [&](Index n, Rng rng) {
    return to<Cpu>(trainer.with_average([&] { return trainer.model->sample(n, frames, rng); }));
  };
  Learned learned;
  learned.complete = train(trainer, task.data.training, task, name, {0, 1},
                           {.batch = 32,
                            .step = {.clip_norm = 1000},
                            .rate_of_share = schedule::trapezoid(2e-3, 0.03, 0.5, 2e-5),
                            .checkpoint = task.out / "disentangled.safetensors"},
                           [&] { learned.snapshots.push_back(sample(shown, Rng{7})); });

  trainer.with_average([&] {
    Rng rng{17};
    const auto unseen = slice(batch_of(task.data.test, 0, starts), 1, 0, given);  // (6, 8, 64, 64, 1)
    const auto next = to<Cpu>(trainer.model->predict(to<B>(unseen), frames - given, rng));
    learned.predictions = each(concat(1, unseen, next));

    // From one code to another, of content and of motion.
    const auto ends = trainer.model->content_prior.sample({2, content_size}, rng);
    const auto way = trainer.model->motions(ends, frames, rng);  // (2, 32, 4)
    for (Index i = 0; i < stops; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(stops - 1);
      const auto mixed = [&](const auto& both) {
        return slice(both, 0, 0, 1) * (1 - part) + slice(both, 0, 1, 2) * part;
      };
      learned.between.push_back(to<Cpu>(trainer.model->decode(mixed(ends), mixed(way))));
    }
    return 0;
  });
  learned.section = {.family = name,
                     .title = "What stays, and what changes",
                     .idea =
                         "One code says what a clip shows, four numbers what changes in each frame. The first is "
                         "decoded to a map, which rows and columns of frames read through windows; the four numbers "
                         "place the windows, by a network that is learned. Flows are the priors of both codes.",
                     .formula = formula::elbo,
                     .source_title = "disentangled.hpp",
                     .source = shown_source("disentangled.hpp", "disentangled")};
  conclude(learned, task, trainer, trainer.model.parameters().size(), sample);
  return learned;
}

FLIPBOOK_DEMO_FAMILY(disentangled)

}  // namespace flipbook::examples::demo
