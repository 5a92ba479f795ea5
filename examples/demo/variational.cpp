// SPDX-License-Identifier: MIT
#include "variational.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

/// Pictures and paths, each decoded from a code that a flow draws.
template <class B>
Learned variational(const Task& task) {
  const std::string name = "Variational";
  const Shuffled paths(TensorDataset(PathCode::encode(paths_of({task.clips(frames, 1), *task.tracker}, 8192))), 1);
  const Pictures pictures(Scenes(task.clips(1, 2), *task.tracker));

  Trainer path{Module<VariationalPath, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  path.keep_average(0.998);
  Learned learned;
  learned.complete =
      train(path, paths, task, name, {0, 0.15},
            {.batch = 256, .step = {.clip_norm = 1}, .rate_of_share = schedule::trapezoid(2e-3, 0.03, 0.6)});

  Trainer looks{Module<VariationalPicture, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  looks.model->autoencoder.settings.beta = 0.3;
  looks.model->prior_weight = 100;
  looks.keep_average(0.995);
  const auto drawn_paths = [&](Index n, Rng& rng) {
    return path.with_average([&] { return PathCode::decode(path.model->sample({n, 1, 1, 1, PathCode::size}, rng)); });
  };
  const auto sample = [&](Index n, Rng rng) {
    const auto at = drawn_paths(n, rng);
    return to<Cpu>(render(looks.with_average([&] { return looks.model->sample({n, 1, 48}, rng); }), at));
  };
  learned.complete = learned.complete && train(looks, pictures, task, name, {0.15, 1},
                                               {.batch = 64,
                                                .step = {.clip_norm = 1000},
                                                .rate_of_share = schedule::trapezoid(1.5e-3, 0.03, 0.6),
                                                .checkpoint = task.out / "variational.safetensors"},
                                               [&] { learned.snapshots.push_back(sample(shown, Rng{7})); });

  // From one code to another, of the picture and of the path.
  Rng rng{11};
  const auto ends = looks.with_average([&] { return looks.model->prior.sample({2, 1, 48}, rng); });
  const auto way = path.with_average([&] { return path.model->sample({2, 1, 1, 1, PathCode::size}, rng); });
  for (Index i = 0; i < stops; ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(stops - 1);
    const auto mixed = [&](const auto& both) {
      return slice(both, 0, 0, 1) * (1 - part) + slice(both, 0, 1, 2) * part;
    };
    const auto pixels = looks.with_average([&] { return looks.model->autoencoder.expectation(mixed(ends)); });
    learned.between.push_back(to<Cpu>(render(pixels, PathCode::decode(mixed(way)))));
  }
  learned.section = {.family = name,
                     .title = "A code for every picture, a code for every path",
                     .idea =
                         "An encoder says which codes a picture may have, a decoder what a code looks like. A flow "
                         "learns how codes are spread, and draws new ones; another draws paths.",
                     .formula = formula::elbo,
                     .source_title = "variational.hpp",
                     .source = shown_source("variational.hpp", "variational")};
  conclude(learned, task, looks, looks.model.parameters().size() + path.model.parameters().size(), sample);
  return learned;
}

FLIPBOOK_DEMO_FAMILY(variational)

}  // namespace flipbook::examples::demo
