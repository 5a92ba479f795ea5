// SPDX-License-Identifier: MIT
#include "flow.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

namespace {
/// What is left of the noise, less than a sixteenth of white, is black.
template <class B>
Tensor<float, B> cleared(const Tensor<float, B>& pictures) {
  return clamp(affine(pictures, 16.0 / 15, -1.0 / 15), 0, 1);
}
}  // namespace

/// Noise carried to pictures, pixel by pixel, and to paths.
template <class B>
Learned flow(const Task& task) {
  const std::string name = "Flow";
  const Shuffled paths(TensorDataset(PathCode::encode(paths_of({task.clips(frames, 7), *task.tracker}, 8192))), 1);
  const Pictures pictures(Scenes(task.clips(1, 8), *task.tracker));

  Trainer path{Module<PathFlow, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  path.keep_average(0.998);
  Learned learned;
  learned.complete =
      train(path, paths, task, name, {0, 0.15},
            {.batch = 256, .step = {.clip_norm = 1}, .rate_of_share = schedule::trapezoid(2e-3, 0.03, 0.6)});

  Trainer looks{Module<PictureFlow, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  looks.keep_average(0.995);
  const auto sample = [&](Index n, Rng rng) {
    const auto at = path.with_average([&] {
      return PathCode::decode(path.model->sample({n, 1, 1, 1, PathCode::size}, rng));
    });
    return to<Cpu>(render(looks.with_average([&] {
      return looks.model->sample({n, 1, picture, picture, 1}, rng);
    }),
                          at));
  };
  learned.complete = learned.complete && train(looks, pictures, task, name, {0.15, 1},
                                               {.batch = 32,
                                                .step = {.clip_norm = 1},
                                                .rate_of_share = schedule::trapezoid(2e-3, 0.03, 0.6, 1e-5),
                                                .checkpoint = task.out / "flow.safetensors"},
                                               [&] { learned.snapshots.push_back(sample(shown, Rng{7})); });

  learned.section = {.family = name,
                     .title = "Noise carried to pictures",
                     .idea =
                         "A network learns the velocity with which noise turns into data, and a new picture is where "
                         "noise arrives. Another flow does the same with paths.",
                     .formula = formula::flow_matching,
                     .source_title = "flow.hpp",
                     .source = shown_source("flow.hpp", "flow")};
  conclude(learned, task, looks, looks.model.parameters().size() + path.model.parameters().size(), sample);
  return learned;
}

FLIPBOOK_DEMO_FAMILY(flow)

}  // namespace flipbook::examples::demo
