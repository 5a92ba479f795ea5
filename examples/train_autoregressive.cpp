// Trains a model that predicts each frame from those before it, and lets it continue clips that it has not seen.
#include <string>

#include <flipbook/optim/adam.hpp>

#include "support/models.hpp"
#include "support/training.hpp"

namespace fb = flipbook;
using namespace fb::examples;

namespace {

struct Settings {
  TrainingOptions training{.out = "out/autoregressive", .steps = 1000, .batch = 8};
  std::string network = "convlstm";
  double learning_rate = 2e-3, own_frames = 0;
};

template <class Model>
void report(const Model& model, const Data& data, const std::filesystem::path& out) {
  const auto clips = fb::batch_of(data.test, 0, 8);  // (8, 20, 64, 64, 1)
  const auto context = fb::slice(clips, 1, 0, forecast_context);
  const auto predicted = model.predict(context, clips.extent(1) - forecast_context);
  show(out / "predictions.gif", fb::concat(0, clips, fb::concat(1, context, predicted)), 8);

  const auto unseen = fb::batch_of(data.test, 100, 32);
  const double frames = static_cast<double>(unseen.extent(1) - forecast_context);
  auto forced = model;
  forced.given = forecast_context;
  std::printf("frames %td to %td of unseen clips, nats per frame: %.1f with true frames before them, %.1f with its own\n",
              forecast_context + 1, unseen.extent(1), -static_cast<double>(fb::mean(forced.log_likelihood(unseen)).item()) / frames,
              -static_cast<double>(fb::mean(model.open_loop_log_likelihood(unseen, forecast_context)).item()) / frames);
}

template <class Model>
void run_model(const Settings& settings) {
  const Data data = settings.training.open(forecast_format);
  fb::Trainer trainer{fb::Module<Model, float>{fb::Rng{settings.training.seed}},
                      fb::optim::Adam{.learning_rate = settings.learning_rate}, settings.training.seed};
  trainer.model->given = 1;
  trainer.model->own_frames = settings.own_frames;
  train(trainer, data, settings.training, {.step = {.clip_norm = 100}, .title = settings.network},
        [&] { report(*trainer.model.operator->(), data, settings.training.out); });
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Trains an autoregressive model of clips of 20 frames, 64×64 pixels; it continues the first ten."};
  Settings settings;
  settings.training.add_to(line);
  line.choice("--network", settings.network, {"lstm", "convlstm", "transformer"},
              "lstm: over codes of frames; convlstm: two layers; transformer: over patches");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.number("--own-frames", settings.own_frames, "How often it is fed its own last frame (scheduled sampling)", 0, 1);
  return line.run(argc, argv, [&] {
    if (settings.network == "lstm") run_model<LstmForecast>(settings);
    else if (settings.network == "convlstm") run_model<ConvLstmForecast>(settings);
    else run_model<TransformerForecast>(settings);
  });
}
