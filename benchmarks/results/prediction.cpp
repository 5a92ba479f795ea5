// SPDX-License-Identifier: MIT
// Moving digits or garments, ten frames seen and ten predicted, as the tables of Moving MNIST have it: nats per frame
// of a convolutional LSTM, with true frames fed (teacher forcing) and with its own (open loop), or of SimVP, which has
// an open loop alone; OpenSTL's errors of the open loop, and the same errors of predictions that learn nothing.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <flipbook/data/idx.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/io/gif.hpp>
#include <flipbook/io/grid.hpp>
#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/likelihood.hpp>
#include <flipbook/metrics/ssim.hpp>
#include <flipbook/models/autoregressive/dynamic_filter.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/simvp.hpp>
#include <flipbook/models/baseline/baseline.hpp>

#include "timed_training.hpp"

using namespace flipbook;
using namespace flipbook::results;

namespace {

constexpr Index seen = 10, predicted = 10;
using ConvLstmModel = Autoregressive<ConvLstm<1, 64, 5, 4>, likelihood::Bernoulli>;
using FilterModel =
    Autoregressive<DynamicFilterNetwork<1, dynamic_filter::Options{.hidden = 48}>, likelihood::Bernoulli>;
using SimVpModel =
    SimVp<seen, 1, simvp::Options{.spatial = 32, .hidden = 256, .blocks = 4, .expansion = 4}, likelihood::Bernoulli>;

/// Whether a model is fed one frame at a time, true ones or its own.
template <class Model>
concept FrameByFrame = requires(Model& model) {
  model.scheduled_sampling = 0.5;
};

MovingSprites sprites(const std::filesystem::path& images, Index count, std::uint64_t seed) {
  return MovingSprites(read_idx(images), {.frames = seen + predicted, .canvas = 64, .sprites = count, .seed = seed});
}

/// Errors of predictions as OpenSTL reports them, and SSIM for the range that the data has.
class Errors {
 public:
  void add(const Tensor<float>& prediction, const Tensor<float>& truth) {
    mse_.add(prediction, truth), mae_.add(prediction, truth);
    const Tensor<float> cut = clamp(prediction, 0, 1);
    psnr_.add(cut, truth), ssim_.add(cut, truth), ssim_of_range_1_.add(cut, truth);
  }
  void report(const std::string& name, Figures& figures) const {
    figures.add(name + " MSE", mse_.value());
    figures.add(name + " MAE", mae_.value());
    // Infinite where a frame was predicted exactly, as advection does.
    if (const double psnr = psnr_.value(); std::isfinite(psnr)) figures.add(name + " PSNR", psnr);
    figures.add(name + " SSIM, OpenSTL's", ssim_.value());
    figures.add(name + " SSIM, range 1", ssim_of_range_1_.value());
  }

 private:
  static constexpr metrics::StructuralSimilarity range_1() {
    auto ssim = metrics::StructuralSimilarity::openstl();
    ssim.data_range = 1;
    return ssim;
  }
  metrics::Mse mse_{{.over_frame = metrics::Reduction::sum}};
  metrics::Mae mae_{{.over_frame = metrics::Reduction::sum}};
  metrics::Psnr psnr_;
  metrics::Ssim ssim_{metrics::StructuralSimilarity::openstl()}, ssim_of_range_1_{range_1()};
};

/// The least nats per frame that any model of grey levels as probabilities can have: those of the levels themselves.
double entropy(const Tensor<float>& frames) {
  double sum = 0;
  for (const float level : frames) {
    const double p = static_cast<double>(level);
    if (p > 0 && p < 1) sum -= p * std::log(p) + (1 - p) * std::log(1 - p);
  }
  return sum;
}

Tensor<float> mean_frame(const MovingSprites& training) {
  const Tensor<float> clips = batch_of(training, 0, 200);  // (N, T, H, W, 1)
  return mean(clips, {0, 1}).reshape({64, 64, 1});
}

/// Everything about the first `count` clips of a test set.
template <class Model>
void evaluate(const Model& model, const MovingSprites& training, const MovingSprites& test, Index count,
              Figures& figures, const std::filesystem::path& out) {
  const baseline::Constant mean{mean_frame(training)};
  Errors ours, persistence, constant, advection, matching;
  metrics::NegativeLogLikelihood forced, open;
  double least = 0;
  evaluate_blocks(count, 10, [&](Index first, Index last) {
    const Tensor<float> clips = batch_of(test, first, last - first);  // (N, T, H, W, 1)
    const Tensor<float> context = slice(clips, 1, 0, seen), truth = slice(clips, 1, seen, seen + predicted);
    if constexpr (FrameByFrame<Model>) forced.add(model.log_likelihood(clips), truth.shape());
    open.add(model.open_loop_log_likelihood(clips, seen), truth.shape());
    least += entropy(truth) / static_cast<double>(count * predicted);
    const Tensor<float> prediction = model.predict(context, predicted);
    ours.add(prediction, truth);
    persistence.add(baseline::Persistence{}.predict(context, predicted), truth);
    constant.add(mean.predict(context, predicted), truth);
    advection.add(baseline::Advection{}.predict(context, predicted), truth);
    matching.add(baseline::BlockMatching{}.predict(context, predicted), truth);
    if (first == 0) {  // what was seen and came, above what was seen and predicted
      const Index shown = std::min<Index>(8, clips.extent(0));
      const Tensor<float> both = concat(0, clips.slice(0, shown), concat(1, context, prediction).slice(0, shown));
      write_gif(out / "prediction.gif", upscale(make_grid(both, shown), 2), {.frames_per_second = 10});
    }
  });
  if constexpr (FrameByFrame<Model>) figures.add("nats per frame, teacher forcing", forced.nats_per_frame());
  figures.add("nats per frame, open loop", open.nats_per_frame());
  figures.add("nats per frame, entropy of the targets", least);
  ours.report("model", figures);
  persistence.report("persistence", figures);
  constant.report("mean frame", figures);
  advection.report("advection", figures);
  matching.report("block matching", figures);
}

struct Settings {
  RunOptions run{.out = "out/prediction"};
  double learning_rate = 1e-3;
  Index count = 2, clips = 1000;
  bool through_own_frames = false;
};

template <class Model>
void train_and_evaluate(const Settings& settings) {
  const RunOptions& run = settings.run;
  const auto training_set = sprites(run.training_images(), settings.count, run.seed);
  const auto test_set = sprites(run.test_images(), settings.count, 1000);
  Module<Model, float> module{Rng{run.seed}};
  auto& model = *module.operator->();
  if constexpr (FrameByFrame<decltype(model)>) {
    model.context_frames = seen;
    model.through_own_frames = settings.through_own_frames;
  }
  TimedTraining training{run.out, run.minutes};
  const bool complete = train_with_adam(module, training, run.seed, settings.learning_rate, [&](Index k, double share) {
    if constexpr (FrameByFrame<decltype(model)>) {
      model.scheduled_sampling = std::min(1.0, 2 * share);  // all frames fed are the model's own from the half on
    }
    const Tensor<float> x = batch_of(training_set, k * run.batch, run.batch);  // (N, T, H, W, 1)
    return [&model, x](Tape& tape) { return model.loss(tape.constant(x)); };
  });
  if (!complete) return;
  Figures figures;
  figures.add("clips trained on", static_cast<double>(training.steps() * run.batch));
  evaluate(model, training_set, test_set, settings.clips, figures, run.out);
  figures.write(run.out / "figures.json", training);
}

}  // namespace

int main(int argc, char** argv) {
  examples::CommandLine line{"Trains a model on moving sprites for a time, and measures its predictions."};
  Settings settings;
  std::string model = "convlstm";
  settings.run.add_to(line);
  line.choice("--model", model, {"convlstm", "filters", "simvp"},
              "convlstm: two layers of 64, 5×5; filters: that move the last frame; simvp: ten frames at once");
  line.flag("--through-own-frames", settings.through_own_frames, "Let gradients pass through frames of its own");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam, at its highest");
  line.number("--sprites", settings.count, "Digits or garments in a clip");
  line.number("--clips", settings.clips, "Clips of the test set that are evaluated");
  return line.run(argc, argv, [&](Cpu) {
    if (model == "filters") train_and_evaluate<FilterModel>(settings);
    else if (model == "simvp") train_and_evaluate<SimVpModel>(settings);
    else train_and_evaluate<ConvLstmModel>(settings);
  });
}
