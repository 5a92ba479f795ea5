// SPDX-License-Identifier: MIT
// Trains a flow that carries noise to clips: by a U-Net, by a transformer over patches, with a noise level for each
// frame, or in the latents of an autoencoder. Writes new clips, and clips continued after their first frames.
#include "support/train_latent_flow.hpp"

namespace flipbook::examples {

// In train_flow/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, RectifiedFlow32<>, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, TransformerFlow32<>, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, DiffusionForcing32<>, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_latent_flow, LatentClips, (const FlowSettings&, const Data&))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{"Trains a rectified flow of clips of 16 frames, 32×32 pixels."};
  FlowSettings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"unet", "transformer", "forcing", "latent"},
              "unet: one noise level for a clip; transformer: the same over patches; forcing: a level for each frame; "
              "latent: the same in the latents of an autoencoder, which is trained first");
  line.number("--autoencoder-steps", settings.autoencoder_steps,
              "Of latent: how many steps to train the autoencoder; --steps is the flow");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.choice("--solver", settings.solver, {"euler", "heun", "dormand-prince"}, "Of the equation that makes clips");
  line.number("--sampling-steps", settings.sampling_steps, "Of the solver");
  return line.run(argc, argv, [&]<class B>(B) {
    const Data data = settings.training.open(flow_format);
    if (settings.model == "unet") train_flow<flipbook::RectifiedFlow32<>, B>(settings, data);
    else if (settings.model == "transformer") train_flow<flipbook::TransformerFlow32<>, B>(settings, data);
    else if (settings.model == "latent") train_latent_flow<LatentClips, B>(settings, data);
    else train_flow<flipbook::DiffusionForcing32<>, B>(settings, data);
  });
}
