// SPDX-License-Identifier: MIT
// Trains one model of each family for a few minutes, and writes a page that shows what they have learned.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>

#include <flipbook/optim/adam.hpp>

#include "support/facts.hpp"
#include "support/formulas.hpp"
#include "support/gallery.hpp"
#include "support/training.hpp"

#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/gan/gan.hpp>
#include <flipbook/models/vae/video_vae.hpp>

namespace fb = flipbook;
using namespace fb::examples;

namespace {

using namespace fb::nn;

// [gan]
constexpr Window head{.kernel = {2, 4, 4}, .bias = false};
constexpr Window half{.kernel = 4, .stride = 2, .padding = 1, .bias = false};

using Generator = Sequential<                              // z      (N, 1, 1, 1, 64)
    ConvTranspose3d<64, 128, head>, BatchNorm<128>, ReLU,  //        (N, 2, 4, 4, 128)
    ConvTranspose3d<128, 64, half>, BatchNorm<64>, ReLU,   //        (N, 4, 8, 8, 64)
    ConvTranspose3d<64, 32, half>, BatchNorm<32>, ReLU,    //        (N, 8, 16, 16, 32)
    ConvTranspose3d<32, 1, half>, Tanh>;                   // clips  (N, 16, 32, 32, 1)

using Discriminator = Sequential<                           // clips  (N, 16, 32, 32, 1)
    Conv3d<1, 32, half>, LeakyReLU<0.2>,                    //        (N, 8, 16, 16, 32)
    Conv3d<32, 64, half>, BatchNorm<64>, LeakyReLU<0.2>,    //        (N, 4, 8, 8, 64)
    Conv3d<64, 128, half>, BatchNorm<128>, LeakyReLU<0.2>,  //        (N, 2, 4, 4, 128)
    Conv3d<128, 1, head>>;                                  // logits (N, 1, 1, 1, 1)

using ClipGan = fb::Gan<Generator, Discriminator, fb::loss::NonSaturating>;
// [/gan]

// [autoregressive]
constexpr Window same{.kernel = 3, .padding = 1};

using Forecast = fb::Autoregressive<Stack<                                                // frames (N, 32, 32, 1)
                                        PixelUnshuffle<1, 2>, Conv2d<4, 32, same>, ReLU,  //        (N, 16, 16, 32)
                                        ConvLstmCell<32, 32, same>,                       //        (N, 16, 16, 32)
                                        Conv2d<32, 32, same>, ReLU, Conv2d<32, 4, same>,  //        (N, 16, 16, 4)
                                        PixelShuffle<4, 2>>,                              // logits (N, 32, 32, 1)
                                    fb::likelihood::Bernoulli>;
// [/autoregressive]

// [vae]
constexpr Window down{.kernel = 4, .stride = 2, .padding = 1};

using Encoder = Sequential<                                 // clips  (N, 16, 32, 32, 1)
    Conv3d<1, 32, down>, ReLU, Conv3d<32, 64, down>, ReLU,  //        (N, 4, 8, 8, 64)
    Conv3d<64, 96, down>, ReLU,                             //        (N, 2, 4, 4, 96)
    Flatten, Linear<3072, 128>>;                            // mean and log-variance (N, 128)

using Decoder = Sequential<                                              // z      (N, 64)
    Linear<64, 3072>, Unflatten<2, 4, 4, 96>, ReLU,                      //        (N, 2, 4, 4, 96)
    ConvTranspose3d<96, 64, down>, ReLU,                                 //        (N, 4, 8, 8, 64)
    ConvTranspose3d<64, 32, down>, ReLU, ConvTranspose3d<32, 1, down>>;  // logits (N, 16, 32, 32, 1)

using ClipVae = fb::Vae<Encoder, Decoder, fb::latent::DiagonalGaussian<64>, fb::likelihood::Bernoulli>;
// [/vae]

constexpr ClipFormat format{.frames = 16, .size = 32, .channels = 1, .sprites = 1, .sprite = 20};
constexpr fb::Index context = 8;  // frames of a clip that are given, and continued

struct Settings {
  std::filesystem::path data, out = "build/demo";
  double minutes = 9;
  std::uint64_t seed = 1;
};

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

/// The lines of this program between // [name] and // [/name]; none where its source is not there to be read.
std::string shown(const std::string& name) {
  std::ifstream source(__FILE__);
  std::string text;
  bool inside = false;
  for (std::string line; std::getline(source, line);) {
    if (line == "// [/" + name + "]") return text;
    if (inside) text += line + "\n";
    inside = inside || line == "// [" + name + "]";
  }
  return text;
}

/// Trains for about so many seconds: as many steps as fit, told from the first few.
/// @param sketch  called now and then, six times in all, to show samples on the way
template <class Trainer, class Schedule, class Sketch>
bool train_for(Trainer& trainer, const Data& data, double seconds, fb::FitOptions options, const Schedule& schedule,
               const Sketch& sketch) {
  constexpr fb::Index trial = 7;
  sketch(trainer.steps());
  fb::FitOptions first = options;
  first.title.clear();
  first.steps = 3;  // the first steps find their memory, and a device captures the third
  if (!fit(trainer, data, first)) return false;
  const auto began = std::chrono::steady_clock::now();
  first.steps = trial;
  if (!fit(trainer, data, first)) return false;
  const double each = seconds_since(began) / static_cast<double>(trial - 3);
  options.steps = std::max<fb::Index>(trial + 10, static_cast<fb::Index>(seconds / each));
  options.learning_rate = schedule(options.steps);
  fb::Index next = options.steps / 20;
  return fit(trainer, data, options, [&](fb::Index step, const fb::Losses&) {
    if (step < next && step < options.steps) return;
    sketch(step);
    next = step < options.steps / 20 * 2 ? options.steps / 8
           : step < options.steps / 4    ? options.steps * 3 / 8
           : step < options.steps / 2    ? options.steps * 2 / 3
                                         : options.steps;
  });
}

/// Adds what a model made at a step of its training.
void add_stop(Row& progress, fb::Index step, const fb::Tensor<float>& clips) {
  progress.clips.push_back(clips);
  progress.notes.push_back("step " + std::to_string(step));
}

std::vector<Curve> curves(const fb::History& history) {
  std::vector<Curve> all;
  for (const std::string& name : history.names()) all.push_back({.name = name});
  for (const auto& row : history.rows()) {
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      if (std::isfinite(row.values[i])) all[i].add(static_cast<double>(row.step), row.values[i]);
    }
  }
  return all;
}

std::string rounded(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

template <class Trainer>
std::vector<Fact> facts(const Trainer& trainer, fb::Index batch, double seconds) {
  const double clips = static_cast<double>(trainer.steps() * batch);
  return {{"parameters", std::to_string(trainer.model.parameters().size())},
          {"steps", std::to_string(trainer.steps()) + " of " + std::to_string(batch) + " clips"},
          {"speed", rounded(clips / seconds, 1) + " clips/s"},
          {"training", rounded(seconds / 60, 1) + " minutes"}};
}

template <class B>
bool adversarial(const Settings& settings, const Data& data, double seconds, Gallery& gallery) {
  constexpr fb::Index batch = 16;
  fb::Module<ClipGan, float, B> untrained{fb::Rng{settings.seed}};
  fb::init::dcgan(untrained, fb::Rng{settings.seed + 1});
  fb::Trainer trainer{std::move(untrained), fb::optim::Adam{.learning_rate = 4e-4, .beta1 = 0.5}, settings.seed};
  trainer.keep_average(0.99);
  fb::Rng rng{7};
  const auto noise = trainer.model->noise(8, rng);
  const auto samples = [&] {
    return fb::to<fb::Cpu>(trainer.with_average([&] { return trainer.model->decode(noise); }));
  };
  Row progress{.label = "Adversarial"};
  const auto began = std::chrono::steady_clock::now();
  const bool complete = train_for(
      trainer, data, seconds,
      {.batch = batch, .checkpoint = settings.out / "gan.safetensors", .title = "adversarial   "},
      [](fb::Index) { return [](fb::Index) { return 4e-4; }; },
      [&](fb::Index step) { add_stop(progress, step, samples()); });
  gallery.sections.push_back(Section{
      .family = "Adversarial",
      .title = "A generator against a discriminator",
      .idea = "A generator makes clips of noise; a discriminator learns to tell them from real ones, and so teaches "
              "the generator what still gives it away.",
      .formula = formula::minimax,
      .figures = {{.caption = "Real clips, and clips that the generator made of noise.",
                   .rows = {{.label = "real", .clips = {fb::batch_of(data.test, 0, 8)}},
                            {.label = "generated", .clips = {samples()}}}},
                  {.title = "Through training", .caption = "The same noise over training.", .rows = {progress}}},
      .facts = facts(trainer, batch, seconds_since(began)),
      .charts =
          {{.title = "Losses of the two", .x_label = "step", .y_label = "nats", .curves = curves(trainer.history())}},
      .source_title = "The model, as written in examples/demo.cpp",
      .source = shown("gan")});
  return complete;
}

template <class B>
bool autoregressive(const Settings& settings, const Data& data, double seconds, Gallery& gallery) {
  constexpr fb::Index batch = 4;
  fb::Trainer trainer{fb::Module<Forecast, float, B>{fb::Rng{settings.seed}}, fb::optim::Adam{}, settings.seed};
  trainer.model->context_frames = context;
  trainer.model->scheduled_sampling = 1;  // the first steps tell how long one takes: these take longest
  const fb::StepOptions step{.clip_norm = 200, .capture = false};  // scheduled_sampling is another in each
  const auto clips = fb::batch_of(data.test, 0, 6);                // (6, 16, 32, 32, 1)
  const auto seen = fb::to<B>(fb::slice(clips, 1, 0, context));    // (6, 8, 32, 32, 1)
  const auto continued = [&] {
    return fb::to<fb::Cpu>(fb::concat(1, seen, trainer.model->predict(seen, format.frames - context)));
  };
  Row progress{.label = "Autoregressive", .given = context};
  const auto began = std::chrono::steady_clock::now();
  const bool complete = train_for(
      trainer, data, seconds,
      {.batch = batch,
       .step = step,
       .checkpoint = settings.out / "autoregressive.safetensors",
       .title = "autoregressive"},
      [&](fb::Index steps) {
        return [&, steps, rate = fb::schedule::one_cycle(5e-3, steps, 0.2)](fb::Index step) {
          // True frames teach it fast; on its own ones, which are all it has later, it learns to go on.
          trainer.model->scheduled_sampling =
              std::min(1.0, 1.5 * static_cast<double>(step) / static_cast<double>(steps));
          return rate(step);
        };
      },
      [&](fb::Index step) { add_stop(progress, step, continued()); });
  const double trained = seconds_since(began);
  const auto unseen = batch_on<B>(data.test, 100, 24);
  const double nats = -static_cast<double>(fb::mean(trainer.model->open_loop_log_likelihood(unseen, context)).item()) /
                      double(format.frames - context);
  const double forced =
      -static_cast<double>(fb::mean(trainer.model->log_likelihood(unseen)).item()) / double(format.frames - context);
  auto about = facts(trainer, batch, trained);
  about.push_back({"nats per frame, true frames before it", rounded(forced, 1)});
  about.push_back({"nats per frame, fed its own", rounded(nats, 1)});
  gallery.sections.push_back(
      Section{.family = "Autoregressive",
              .title = "Each frame from those before it",
              .idea = "A convolutional LSTM learns the likelihood of the next frame. Eight frames of an unseen clip "
                      "are given (bright edge); from there on it is fed its own predictions.",
              .formula = formula::autoregressive,
              .figures = {{.title = "Prediction",
                           .caption = "Unseen clips, and how the model continues their first eight frames.",
                           .rows = {{.label = "real", .clips = each(clips), .given = context},
                                    {.label = "Autoregressive", .clips = each(continued()), .given = context}},
                           .control = Control::thumbnail,
                           .opens_at = 0},
                          {.title = "Through training",
                           .caption = "The same clips, continued over training.",
                           .rows = {progress}}},
              .facts = about,
              .charts = {{.title = "Negative log-likelihood",
                          .x_label = "step",
                          .y_label = "nats per frame",
                          .logarithmic = true,
                          .curves = curves(trainer.history())}},
              .source_title = "The model, as written in examples/demo.cpp",
              .source = shown("autoregressive")});
  return complete;
}

template <class B>
bool variational(const Settings& settings, const Data& data, double seconds, Gallery& gallery) {
  constexpr fb::Index batch = 16;
  fb::Trainer trainer{fb::Module<ClipVae, float, B>{fb::Rng{settings.seed}}, fb::optim::Adam{}, settings.seed};
  const auto clips = batch_on<B>(data.test, 0, 8);
  const auto reconstructed = [&] { return fb::to<fb::Cpu>(trainer.model->reconstruct(clips)); };
  fb::Rng rng{7};
  Row progress{.label = "Variational"};
  const auto began = std::chrono::steady_clock::now();
  const bool complete = train_for(
      trainer, data, seconds,
      {.batch = batch,
       .step = {.clip_norm = 2000},
       .checkpoint = settings.out / "vae.safetensors",
       .title = "variational   "},
      [](fb::Index steps) { return fb::schedule::one_cycle(2e-3, steps); },
      [&](fb::Index step) { add_stop(progress, step, reconstructed()); });
  const double trained = seconds_since(began);
  const auto unseen = batch_on<B>(data.test, 100, 64);
  auto about = facts(trainer, batch, trained);
  about.push_back(
      {"ELBO of unseen clips", rounded(double(fb::mean(trainer.model->elbo(unseen, rng)).item()), 1) + " nats"});
  about.push_back({"log p, 20 draws",
                   rounded(double(fb::mean(trainer.model->log_likelihood(unseen, 20, rng)).item()), 1) + " nats"});
  gallery.sections.push_back(Section{
      .family = "Variational",
      .title = "A code for every clip",
      .idea = "An encoder says which codes a clip may have, a decoder what clip a code means; both are trained "
              "to bound the likelihood of the data from below. New clips are decoded from random codes.",
      .formula = formula::elbo,
      .figures = {{.caption = "Unseen clips, decoded from their own codes, and new clips from random codes.",
                   .rows = {{.label = "real", .clips = {fb::to<fb::Cpu>(clips)}},
                            {.label = "reconstructed", .clips = {reconstructed()}},
                            {.label = "new", .clips = {fb::to<fb::Cpu>(trainer.model->sample(8, rng))}}}},
                  {.title = "Through training", .caption = "The reconstructions over training.", .rows = {progress}},
                  {.title = "Interpolation",
                   .caption = "The way from one clip to another, in the code.",
                   .rows = {{.label = "Variational",
                             .clips = each(fb::to<fb::Cpu>(trainer.model->interpolate(clips[0], clips[1], 8)))}},
                   .control = Control::between,
                   .opens_at = 3}},
      .facts = about,
      .charts = {{.title = "Negative ELBO",
                  .x_label = "step",
                  .y_label = "nats per clip",
                  .logarithmic = true,
                  .curves = curves(trainer.history())}},
      .source_title = "The model, as written in examples/demo.cpp",
      .source = shown("vae")});
  return complete;
}

template <class B>
void demo(const Settings& settings) {
  const auto began = std::chrono::steady_clock::now();
  std::error_code failed;
  std::filesystem::create_directories(settings.out, failed);
  fb::require(!failed, "--out '", settings.out.string(), "' cannot be made: ", failed.message());
  const Data clips = open_data(settings.data, format, settings.seed);
  std::printf("learning from %s, for about %.0f minutes\n", clips.name.c_str(), settings.minutes);

  Gallery gallery{
      .title = "flipbook",
      .summary = "Three families of generative models of video, each trained for a few minutes on this machine."};
  const double seconds = settings.minutes * 60;
  // Each shows what it has learned, also when it is told to stop; the next one then does not begin.
  const bool complete = variational<B>(settings, clips, 0.25 * seconds, gallery) &&
                        autoregressive<B>(settings, clips, 0.42 * seconds, gallery) &&
                        adversarial<B>(settings, clips, 0.33 * seconds, gallery);
  gallery.facts = {{"data", clips.name},
                   {"machine", machine(B{})},
                   {"date", today()},
                   {"time in all", rounded(seconds_since(began) / 60, 1) + " minutes"}};
  if (clips.procedural)
    gallery.note = "No data was found here, so these models learned from shapes that the program itself draws.";
  if (!complete) gallery.note += " Training was stopped before its end.";
  write_gallery(settings.out / "index.html", gallery);
  std::printf("the page is %s\n", (settings.out / "index.html").c_str());
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Trains one model of each family, and writes a page that shows what they have learned."};
  Settings settings;
  line.data(settings.data, data_help);
  line.output("--out", settings.out, "The folder for the page");
  line.number("--minutes", settings.minutes, "Time to train in all", 0.01, 10000);
  line.seed(settings.seed);
  line.threads();
  line.device();
  return line.run(argc, argv, [&]<class B>(B) { demo<B>(settings); });
}
