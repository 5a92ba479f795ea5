// SPDX-License-Identifier: MIT
// Trains a variational autoencoder of video: one code for a whole clip or one for each frame, alone or facing a
// discriminator. Writes reconstructions, new clips, and the way from one clip to another.
#include "support/models.hpp"
#include "support/train_vae.hpp"

namespace flipbook::examples {

// In train_vae/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_vae, ClipVae, (const VaeSettings&, const Data&, const Shape&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_vae, EachFrameVae, (const VaeSettings&, const Data&, const Shape&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_vae, ClipVaeGan, (const VaeSettings&, const Data&, const Shape&))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{"Trains a variational autoencoder of clips of 16 frames, 64×64 pixels."};
  VaeSettings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"clip", "frame", "adversarial"},
              "clip: one code for a clip; frame: one for each frame; adversarial: clip, and a discriminator");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.number("--beta", settings.beta, "Weight of the divergence", 0, 1e9);
  line.number("--free-bits", settings.free_bits, "Nats of each number of the code that cost nothing", 0, 1e9);
  return line.run(argc, argv, [&]<class B>(B) {
    const Data data = settings.training.open(vae_format);
    if (settings.model == "clip") train_vae<ClipVae, B>(settings, data, {8});
    else if (settings.model == "frame") train_vae<EachFrameVae, B>(settings, data, {8, vae_format.frames});
    else train_vae<ClipVaeGan, B>(settings, data, {8});
  });
}
