// SPDX-License-Identifier: MIT
// Loads weights that train_gan, train_autoregressive, train_vae, train_tokens or train_flow wrote, and makes clips with
// them.
#include <string>

#include "support/sample.hpp"
#include "support/training.hpp"

namespace flipbook::examples {

// In sample/.
extern template Tensor<float> flow_clips<Cpu>(const SampleSettings&, const std::string&);
extern template Tensor<float> token_clips<Cpu>(const SampleSettings&);
#ifdef FLIPBOOK_CUDA
extern template Tensor<float> token_clips<Cuda>(const SampleSettings&);
extern template Tensor<float> flow_clips<Cuda>(const SampleSettings&, const std::string&);
#endif

}  // namespace flipbook::examples

namespace fb = flipbook;
using namespace fb::examples;
using Settings = SampleSettings;

namespace {

/// Clips that go on from the first frames of unseen data, after those.
template <class Model, class B>
fb::Tensor<float, B> continued(const Settings& settings) {
  auto forecast = loaded<Model, B>(settings);
  if constexpr (requires { forecast->context_frames; }) forecast->context_frames = 1;
  const Data data = open_data(settings.data, forecast_format, settings.seed);
  const auto context = fb::slice(batch_on<B>(data.test, 0, settings.count), 1, 0, forecast_context);
  return fb::concat(1, context, forecast->predict(context, settings.frames));
}

template <class B>
fb::Tensor<float, B> clips_without_classes(const Settings& settings) {
  fb::Rng rng{settings.seed};
  const fb::Index n = settings.count;
  const std::string& model = settings.model;
  if (model == "vae") return loaded<ClipVae, B>(settings)->sample(n, rng);
  if (model == "vae-frame") return loaded<EachFrameVae, B>(settings)->sample(fb::Shape{n, vae_format.frames}, rng);
  if (model == "vae-adversarial") return loaded<ClipVaeGan, B>(settings)->vae.sample(n, rng);
  if (model == "gan") return loaded<ClipGan, B>(settings)->sample(n, rng);
  if (model == "gan-frame") return loaded<FrameGan, B>(settings)->sample(n, rng).reshape({n, 1, 32, 32, 3});
  if (model == "mocogan") return loaded<MotionGan, B>(settings)->model.sample(n, clip_gan_format.frames, rng);
  if (model == "lstm") return continued<LstmForecast, B>(settings);
  if (model == "filters") return continued<FilterForecast, B>(settings);
  if (model == "simvp") return continued<SimVpForecast, B>(settings);
  if (model == "convlstm") return continued<ConvLstmForecast, B>(settings);
  return continued<TransformerForecast, B>(settings);
}

template <class B>
fb::Tensor<float> clips(const Settings& settings) {
  const std::string& model = settings.model;
  if (model == "var" || model.starts_with("videogpt-") || model.starts_with("maskgit-"))
    return token_clips<B>(settings);
  if (model == "latent") return flow_clips<B>(settings, model);
  if (model.starts_with("flow-")) return flow_clips<B>(settings, model.substr(5));
  settings.require_no_class();
  return fb::to<fb::Cpu>(clips_without_classes<B>(settings));
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Makes clips with the weights of a trained model, and writes them as an animated GIF."};
  Settings settings;
  line.input("weights", settings.weights, "A checkpoint, or weights from PyTorch, in safetensors");
  line.choice("--model", settings.model,
              {"vae",
               "vae-frame",
               "vae-adversarial",
               "gan",
               "gan-frame",
               "mocogan",
               "videogpt-vector",
               "videogpt-scalar",
               "maskgit-vector",
               "maskgit-scalar",
               "var",
               "flow-unet",
               "flow-transformer",
               "flow-forcing",
               "latent",
               "lstm",
               "convlstm",
               "filters",
               "transformer",
               "simvp"},
              "What they are the weights of");
  line.output("--out", settings.out, "Where to write", "FILE");
  line.number("--count", settings.count, "How many clips", 1, 1024);
  line.number("--frames", settings.frames, "How many frames an autoregressive model adds", 1, 1000);
  line.data(settings.data, "What an autoregressive model continues (default: as for training)");
  line.number("--class", settings.label, "Of a model with classes: which; -1: one after another", -1);
  line.number("--guidance", settings.guidance,
              "Of a model with classes: how far clips go beyond the class as it was learned; 0: not at all", 0, 1e6);
  line.seed(settings.seed);
  line.device();
  return line.run(argc, argv, [&]<class B>(B) {
    show(settings.out, clips<B>(settings), 8);
    std::printf("written to %s\n", settings.out.c_str());
  });
}
