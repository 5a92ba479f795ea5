// Trains a generator against a discriminator: of clips, or of frames with the two networks of Radford et al.
#include <string>

#include <flipbook/optim/adam.hpp>

#include "support/models.hpp"
#include "support/training.hpp"

namespace fb = flipbook;
using namespace fb::examples;

namespace {

struct Settings {
  TrainingOptions training{.out = "out/gan", .steps = 2000, .batch = 8};
  std::string model = "clip";
  double learning_rate = 2e-4;
};

template <class Model>
void run_model(const Settings& settings, const ClipFormat& format) {
  const Data data = settings.training.open(format);
  fb::Module<Model, float> untrained{fb::Rng{settings.training.seed}};
  fb::init::dcgan(untrained, fb::Rng{settings.training.seed + 1});
  fb::Trainer trainer{std::move(untrained), fb::optim::Adam{.learning_rate = settings.learning_rate, .beta1 = 0.5},
                      settings.training.seed};
  train(trainer, data, settings.training, {.title = "gan"}, [&] {
    fb::Rng rng{7};
    const fb::Shape one{16, format.frames, format.size, format.size, format.channels};
    show(settings.training.out / "samples.gif", trainer.model->sample(16, rng).reshape(one), 8);
    show(settings.training.out / "data.gif", fb::batch_of(data.test, 0, 16), 8);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line{"Trains a generative adversarial network: of clips of 16 frames, 64×64 pixels, or of frames, 32×32."};
  Settings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"clip", "frame"},
              "clip: 3-D networks; frame: the 2-D networks of a DCGAN, batch 64 is customary");
  line.positive("--learning-rate", settings.learning_rate, "Of both Adams");
  return line.run(argc, argv, [&] {
    if (settings.model == "clip") run_model<ClipGan>(settings, clip_gan_format);
    else run_model<FrameGan>(settings, frame_gan_format);
  });
}
