// SPDX-License-Identifier: MIT
#include "generic.hpp"

#include "../support/formulas.hpp"
#include "family.hpp"

namespace flipbook::examples::demo {

namespace {

/// The codes of the first so many clips, (count, 16, 8, 8, 8), in units of their deviation.
struct Codes {
  Tensor<float> all;
  double deviation;
};
template <class Model>
Codes codes_of(const Model& model, const AnyClips& clips, Index count) {
  using B = typename Model::Backend;
  List<Tensor<float>> parts;
  for (Index first = 0; first < count; first += 32)
    parts.push_back(to<Cpu>(model->encode(to<B>(batch_of(clips, first, 32))).mean));
  const auto all = concat(0, parts);
  const double deviation = std::sqrt(static_cast<double>(mean(square(all)).item()));
  return {all * (1 / deviation), deviation};
}

}  // namespace

/// Frames by their codes, and a flow over the codes of a clip, which is told nothing of pictures or paths.
template <class B>
Learned generic(const Task& task) {
  const std::string name = "Flow of clips";
  Trainer coder{Module<FrameCodes, float, B>{Rng{task.seed}}, optim::Adam{}, task.seed};
  coder.model->settings.beta = 0.02;
  Learned learned;
  learned.complete =
      train(coder, EachFrame{task.data.training}, task, name, {0, 0.25},
            {.batch = 32, .step = {.clip_norm = 1000}, .rate_of_share = schedule::trapezoid(2e-3, 0.05, 0.6)});
  const auto [codes, deviation] = codes_of(coder.model, FirstFrames{task.data.training, 16}, 3072);

  Trainer over{Module<CodesFlow, float, B>{Rng{task.seed + 1}}, optim::Adam{}, task.seed};
  over.keep_average(0.995);
  const auto decoded = [&, deviation = deviation](const Tensor<float, B>& z) {
    return to<Cpu>(coder.model->expectation(z * deviation));
  };
  const flipbook::flow::Sampling how{.integration = {.steps = 20}};
  const auto sample = [&](Index n, Index length, Rng rng) {
    return over.with_average([&] {
      const auto first = over.model->sample({n, 16, 8, 8, 8}, rng, how);  // (N, 16, 8, 8, 8)
      if (length == 16) return decoded(first);
      return decoded(concat(1, first, over.model->sample(slice(first, 1, 8, 16), length - 16, rng, how)));
    });
  };
  learned.complete = learned.complete && train(over, Shuffled(TensorDataset(codes), 1), task, name, {0.25, 0.95},
                                               {.batch = 8,
                                                .step = {.clip_norm = 1},
                                                .rate_of_share = schedule::trapezoid(1e-3, 0.03, 0.6, 1e-5),
                                                .checkpoint = task.out / "generic.safetensors"},
                                               [&] { learned.snapshots.push_back(sample(shown, frames, Rng{7})); });

  Rng rng{17};
  const auto unseen = slice(batch_of(task.data.test, 0, starts), 1, 0, given);  // (N, 8, 64, 64, 1)
  const auto context = coder.model->encode(to<B>(unseen)).mean * (1 / deviation);
  const auto next = over.with_average([&] { return over.model->sample(context, frames - given, rng, how); });
  learned.predictions = each(concat(1, unseen, decoded(next)));
  learned.section = {.family = name,
                     .title = "Noise carried to clips",
                     .idea =
                         "A network learns the velocity that carries noise to the codes of clips, frame by frame at "
                         "its own level of noise. Nothing of pictures or paths is built in: that a thing keeps its "
                         "looks and moves straight is learned.",
                     .formula = formula::flow_matching,
                     .source_title = "generic.hpp",
                     .source = shown_source("generic.hpp", "generic")};
  conclude(learned, task, over, over.model.parameters().size() + coder.model.parameters().size(),
           [&](Index n, Rng stream) { return sample(n, 16, stream); });
  return learned;
}

FLIPBOOK_DEMO_FAMILY(generic)

}  // namespace flipbook::examples::demo
