// SPDX-License-Identifier: MIT
// Trains a flow that carries noise to clips: by a U-Net, by a transformer over patches, with a noise level for each
// frame, or in the latents of an autoencoder; with --labels, of classes. Writes new clips, and clips continued after
// their first frames.
#include "support/train_latent_flow.hpp"

namespace flipbook::examples {

// In train_flow/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, UNetFlow, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, PatchFlow, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, ForcingFlow, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, UNetFlowOfClasses,
                         (const FlowSettings&, const DataOfClasses&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, PatchFlowOfClasses,
                         (const FlowSettings&, const DataOfClasses&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_flow, ForcingFlowOfClasses,
                         (const FlowSettings&, const DataOfClasses&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_latent_flow, LatentClips, (const FlowSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_latent_flow, LatentClipsOfClasses,
                         (const FlowSettings&, const DataOfClasses&))

/// Trains the model that was chosen.
template <class UNet, class Patches, class Forcing, class Latent, class B>
void train_chosen(const FlowSettings& settings, const auto& data) {
  if (settings.model == "unet") train_flow<UNet, B>(settings, data);
  else if (settings.model == "transformer") train_flow<Patches, B>(settings, data);
  else if (settings.model == "latent") train_latent_flow<Latent, B>(settings, data);
  else train_flow<Forcing, B>(settings, data);
}

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
  line.flag("--labels", settings.labels,
            "Also learn the classes of the images that move, which a file of labels beside theirs has");
  line.number("--guidance", settings.guidance,
              "Of --labels: how far clips go beyond the class as it was learned; 0: not at all", 0, 1e6);
  return line.run(argc, argv, [&]<class B>(B) {
    const TrainingOptions& options = settings.training;
    if (settings.labels) {
      const auto data = open_classes(options.data, flow_format, classes, options.seed);
      train_chosen<UNetFlowOfClasses, PatchFlowOfClasses, ForcingFlowOfClasses, LatentClipsOfClasses, B>(settings,
                                                                                                         data);
    } else {
      train_chosen<UNetFlow, PatchFlow, ForcingFlow, LatentClips, B>(settings, options.open(flow_format));
    }
  });
}
