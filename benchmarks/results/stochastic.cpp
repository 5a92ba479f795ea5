// SPDX-License-Identifier: MIT
// Stochastic Moving MNIST, five frames seen and ten predicted, of Denton and Fergus, Stochastic video generation with a
// learned prior, 2018: digits that draw a new velocity at every wall. Nats per frame with teacher forcing, bounds for
// models with latents; PSNR and SSIM of the best of the predictions drawn for a clip, and CRPS of all of them.
#include <algorithm>
#include <cstdint>
#include <string>

#include <flipbook/data/idx.hpp>
#include <flipbook/data/stochastic_sprites.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/metrics/best_of.hpp>
#include <flipbook/metrics/ensemble.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/likelihood.hpp>
#include <flipbook/metrics/ssim.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/baseline/baseline.hpp>
#include <flipbook/models/state_space/svg.hpp>

#include "timed_training.hpp"

using namespace flipbook;
using namespace flipbook::results;

namespace {

constexpr Index seen = 5, predicted = 10;
using ConvLstmModel = Autoregressive<ConvLstm<1, 64, 5, 4>, likelihood::Bernoulli>;

template <class Model>
concept WithLatents = requires(Model& model) {
  model.divergence;
};

StochasticSprites sprites(const std::filesystem::path& images, std::uint64_t seed) {
  return {read_idx(images), {.frames = seen + predicted, .canvas = 64, .sprites = 2, .seed = seed}};
}

/// Quality of several predictions for each clip.
class Ensemble {
 public:
  /// @param drawn  (n, N, T, H, W, 1)
  void add(const Tensor<float>& drawn, const Tensor<float>& truth) {
    psnr_.add(drawn, truth), ssim_.add(drawn, truth), crps_.add(drawn, truth);
    for (Index i = 0; i < drawn.extent(0); ++i) each_.add(drawn[i], truth);
  }
  void report(const std::string& name, Figures& figures) const {
    figures.add(name + " PSNR", psnr_.value());
    figures.add(name + " SSIM", ssim_.value());
    figures.add(name + " SSIM of one", each_.value());
    figures.add(name + " CRPS", 1000 * crps_.value());
  }

 private:
  metrics::BestOf<metrics::Psnr> psnr_;
  metrics::BestOf<metrics::Ssim> ssim_;
  metrics::Ssim each_;
  metrics::Crps crps_{{.estimator = metrics::Crps::Estimator::standard}};
};

/// Predictions (n, N, T, H, W, 1); of a model without latents there is one.
template <class Model>
Tensor<float> futures(const Model& model, const Tensor<float>& context, Index draws, Rng& rng) {
  if constexpr (WithLatents<Model>) {
    const auto state = model.observe(context, rng);
    List<Tensor<float>> drawn;
    for (Index i = 0; i < draws; ++i) drawn.push_back(model.imagine(state, predicted, rng).clips);
    return stack(0, drawn);
  } else {
    return stack(0, List<Tensor<float>>{model.predict(context, predicted)});
  }
}

/// log p of all frames but the first of clips (N, T, H, W, 1), or a lower bound of it: (N).
template <class Model>
Tensor<float> log_probability(const Model& model, const Tensor<float>& clips, Rng& rng) {
  if constexpr (WithLatents<Model>) return model.elbo(clips, rng);
  else return model.log_likelihood(clips);
}

template <class Model>
void evaluate(const Model& model, const StochasticSprites& test, Index count, Index draws, Figures& figures,
              const std::filesystem::path& out) {
  Ensemble ours, persistence;
  metrics::NegativeLogLikelihood nats;
  Rng rng{7};
  evaluate_blocks(count, 10, [&](Index first, Index last) {
    const Tensor<float> clips = batch_of(test, first, last - first);  // (N, T, H, W, 1)
    const Tensor<float> context = slice(clips, 1, 0, seen), truth = slice(clips, 1, seen, seen + predicted);
    nats.add(log_probability(model, clips, rng), slice(clips, 1, 1, seen + predicted).shape());
    const Tensor<float> drawn = clamp(futures(model, context, draws, rng), 0, 1);  // (n, N, T, H, W, 1)
    ours.add(drawn, truth);
    persistence.add(stack(0, List<Tensor<float>>{baseline::Persistence{}.predict(context, predicted)}), truth);
    if (first == 0) {  // what was seen and came, above what was seen and the first futures
      const Index shown = std::min<Index>(8, clips.extent(0));
      List<Tensor<float>> rows{clips.slice(0, shown)};
      for (Index i = 0; i < std::min<Index>(3, drawn.extent(0)); ++i) {
        rows.push_back(concat(1, context, drawn[i]).slice(0, shown));
      }
      write_gif(out / "prediction.gif", upscale(make_grid(concat(0, rows), shown), 2), {.frames_per_second = 10});
    }
  });
  figures.add("nats per frame", nats.nats_per_frame());
  ours.report("model", figures);
  persistence.report("persistence", figures);
}

struct Settings {
  RunOptions run{.out = "out/stochastic"};
  double learning_rate = 1e-3;
  Index clips = 200, draws = 20;
};

template <class Model>
void train_and_evaluate(const Settings& settings) {
  const RunOptions& run = settings.run;
  const auto training_set = sprites(run.training_images(), run.seed), test_set = sprites(run.test_images(), 1000);
  Module<Model, float> module{Rng{run.seed}};
  auto& model = *module.operator->();
  if constexpr (WithLatents<decltype(model)>) model.seen_frames = seen;
  else model.context_frames = seen;
  TimedTraining training{run.out, run.minutes};
  const bool complete = train_with_adam(module, training, run.seed, settings.learning_rate, [&](Index k, double share) {
    if constexpr (!WithLatents<decltype(model)>) model.scheduled_sampling = std::min(1.0, 2 * share);
    const Tensor<float> x = batch_of(training_set, k * run.batch, run.batch);  // (N, T, H, W, 1)
    return [&model, x](Tape& tape) { return model.loss(tape.constant(x)); };
  });
  if (!complete) return;
  if constexpr (!WithLatents<decltype(model)>) model.context_frames = 1;  // all frames count, as in the other models
  Figures figures;
  figures.add("clips trained on", static_cast<double>(training.steps() * run.batch));
  evaluate(model, test_set, settings.clips, settings.draws, figures, run.out);
  figures.write(run.out / "figures.json", training);
}

}  // namespace

int main(int argc, char** argv) {
  examples::CommandLine line{
      "Trains a model on digits that bounce at random for a time, and measures its predictions."};
  Settings settings;
  std::string model = "svg";
  settings.run.add_to(line);
  line.choice("--model", model, {"svg", "svg-fixed", "convlstm"},
              "svg: latents with a learned prior; svg-fixed: with a fixed one; convlstm: no latents");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam, at its highest");
  line.number("--clips", settings.clips, "Clips of the test set that are evaluated");
  line.number("--draws", settings.draws, "Predictions that are drawn for each of them");
  return line.run(argc, argv, [&](Cpu) {
    if (model == "svg") train_and_evaluate<Svg<1, 64, 16>>(settings);
    else if (model == "svg-fixed") train_and_evaluate<SvgFixedPrior<1, 64, 16>>(settings);
    else train_and_evaluate<ConvLstmModel>(settings);
  });
}
