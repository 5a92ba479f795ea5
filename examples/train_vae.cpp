// Trains a variational autoencoder of video: one code for a whole clip or one for each frame, alone or facing a
// discriminator. Writes reconstructions, new clips, and the way from one clip to another.
#include <string>

#include <flipbook/optim/adam.hpp>

#include "support/models.hpp"
#include "support/training.hpp"

namespace fb = flipbook;
using namespace fb::examples;

namespace {

struct Settings {
  TrainingOptions training{.out = "out/vae", .steps = 2000, .batch = 8};
  std::string model = "clip";
  double learning_rate = 1e-3, beta = 1, free_bits = 0;
};

/// Rows of clips above what the model makes of them.
template <class Vae>
void write_pictures(const Vae& vae, const Data& data, const std::filesystem::path& out, const fb::Shape& codes) {
  const auto real = fb::batch_of(data.test, 0, 8);  // (8, T, H, W, 1)
  fb::Rng rng{7};
  show(out / "reconstructions.gif", fb::concat(0, real, vae.reconstruct(real)), 8);
  show(out / "samples.gif", vae.sample(codes, rng), 8);
  show(out / "interpolation.gif", vae.interpolate(real[0], real[1], 8), 8);
}

template <class Model, class AsVae>
void run_model(const Settings& settings, const fb::Shape& codes, const AsVae& as_vae) {
  const Data data = settings.training.open(vae_format);
  fb::Trainer trainer{fb::Module<Model, float>{fb::Rng{settings.training.seed}},
                      fb::optim::Adam{.learning_rate = settings.learning_rate}, settings.training.seed};
  as_vae(*trainer.model.operator->()).settings = {.beta = settings.beta, .free_bits = settings.free_bits};
  train(trainer, data, settings.training, {.step = {.clip_norm = 1000}, .title = "vae"}, [&] {
    const auto& vae = as_vae(*trainer.model.operator->());
    write_pictures(vae, data, settings.training.out, codes);
    fb::Rng rng{8};
    const auto unseen = fb::batch_of(data.test, 100, 16);
    std::printf("ELBO on unseen clips: %.1f nats\n", static_cast<double>(fb::mean(vae.elbo(unseen, rng)).item()));
  });
}

void run_settings(const Settings& settings) {
  const auto itself = [](auto& model) -> auto& { return model; };
  if (settings.model == "clip") {
    run_model<ClipVae>(settings, {8}, itself);
  } else if (settings.model == "frame") {
    run_model<EachFrameVae>(settings, {8, vae_format.frames}, itself);
  } else {
    run_model<ClipVaeGan>(settings, {8}, [](auto& model) -> auto& { return model.vae; });
  }
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Trains a variational autoencoder of clips of 16 frames, 64×64 pixels."};
  Settings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"clip", "frame", "adversarial"},
              "clip: one code for a clip; frame: one for each frame; adversarial: clip, and a discriminator");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.number("--beta", settings.beta, "Weight of the divergence", 0, 1e9);
  line.number("--free-bits", settings.free_bits, "Nats of each number of the code that cost nothing", 0, 1e9);
  return line.run(argc, argv, [&] { run_settings(settings); });
}
