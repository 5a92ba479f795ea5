// SPDX-License-Identifier: MIT
#include "adversarial.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

namespace {
// Codes of paths as a Gan takes them: in [0, 1] for four deviations.
constexpr double spread = 4;
Tensor<float> unit(const Tensor<float>& codes) { return clamp(affine(codes, 0.5 / spread, 0.5), 0, 1); }
template <class B>
Tensor<float, B> path_of(const Tensor<float, B>& in_unit) {
  return PathCode::decode(affine(in_unit, 2 * spread, -spread));
}
}  // namespace

/// A generator of pictures and one of paths, each against a discriminator.
template <class B>
Learned adversarial(const Task& task) {
  const std::string name = "Adversarial";
  const auto codes = PathCode::encode(paths_of({task.clips(frames, 3), *task.tracker}, 8192));
  const Shuffled paths(TensorDataset(unit(codes)), 1);
  const Pictures pictures(Scenes(task.clips(1, 4), *task.tracker));

  Trainer path{Module<AdversarialPath, float, B>{Rng{task.seed}}, optim::Adam{.beta1 = 0.5}, task.seed};
  path.keep_average(0.998);
  Learned learned;
  learned.complete = train(path, paths, task, name, {0, 0.2},
                           {.batch = 128, .rate_of_share = schedule::trapezoid(5e-4, 0, 0.5, 2.5e-5)});

  Trainer looks{Module<AdversarialPicture, float, B>{Rng{task.seed}}, optim::Adam{.beta1 = 0.5}, task.seed};
  looks.keep_average(0.995);
  const auto sample = [&](Index n, Rng rng) {
    const auto at = path.with_average([&] { return path_of(path.model->sample(n, rng)); });
    return to<Cpu>(render(looks.with_average([&] { return looks.model->sample(n, rng); }), at));
  };
  learned.complete = learned.complete && train(looks, pictures, task, name, {0.2, 1},
                                               {.batch = 64,
                                                .rate_of_share = schedule::trapezoid(3e-4, 0, 0.5, 1.5e-5),
                                                .checkpoint = task.out / "adversarial.safetensors"},
                                               [&] { learned.snapshots.push_back(sample(shown, Rng{7})); });

  Rng rng{11};
  const auto noise = looks.model->noise(2, rng), steps = path.model->noise(2, rng);
  for (Index i = 0; i < stops; ++i) {
    // Along a great circle: a mean of two noises is shorter than noise is.
    const double angle = std::numbers::pi / 2 * static_cast<double>(i) / static_cast<double>(stops - 1);
    const auto mixed = [&](const auto& both) {
      return slice(both, 0, 0, 1) * std::cos(angle) + slice(both, 0, 1, 2) * std::sin(angle);
    };
    const auto pixels = looks.with_average([&] { return looks.model->decode(mixed(noise)); });
    const auto at = path.with_average([&] { return path_of(path.model->decode(mixed(steps))); });
    learned.between.push_back(to<Cpu>(render(pixels, at)));
  }
  learned.section = {.family = name,
                     .title = "A generator against a discriminator",
                     .idea =
                         "A generator makes pictures of noise; a discriminator learns to tell them from real ones, "
                         "and so teaches the generator what still gives it away. Two others do the same with paths.",
                     .formula = formula::minimax,
                     .source_title = "adversarial.hpp",
                     .source = shown_source("adversarial.hpp", "adversarial")};
  conclude(learned, task, looks, looks.model.parameters().size() + path.model.parameters().size(), sample);
  return learned;
}

FLIPBOOK_DEMO_FAMILY(adversarial)

}  // namespace flipbook::examples::demo
