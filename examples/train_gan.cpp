// SPDX-License-Identifier: MIT
// Trains a generator against a discriminator: of clips, or of frames with the two networks of Radford et al.
#include "support/models.hpp"
#include "support/train_gan.hpp"

namespace flipbook::examples {

// In train_gan/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_gan, ClipGan, (const GanSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_gan, MotionGan, (const GanSettings&, const Data&))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_gan, FrameGan, (const GanSettings&, const Data&))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{
      "Trains a generative adversarial network: of clips of 16 frames, 64×64 pixels, or of frames, 32×32."};
  GanSettings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"clip", "mocogan", "frame"},
              "clip: 3-D networks; mocogan: content and motion, at --learning-rate 6e-4; frame: the 2-D networks of a "
              "DCGAN, batch 64 is customary");
  line.positive("--learning-rate", settings.learning_rate,
                "Of both Adams; mocogan's discriminators learn at 0.4 of it");
  return line.run(argc, argv, [&]<class B>(B) {
    const auto of = [&](const ClipFormat& format) { return settings.training.open(format); };
    if (settings.model == "clip") train_gan<ClipGan, B>(settings, of(clip_gan_format));
    else if (settings.model == "mocogan") train_gan<MotionGan, B>(settings, of(clip_gan_format));
    else train_gan<FrameGan, B>(settings, of(frame_gan_format));
  });
}
