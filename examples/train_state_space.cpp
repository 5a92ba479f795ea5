// SPDX-License-Identifier: MIT
// Trains a state-space model: several futures of one past, or a world model that imagines what actions lead to.
#include "support/models.hpp"
#include "support/train_state_space.hpp"

namespace flipbook::examples {

// In train_state_space/, in a file each.
FLIPBOOK_ON_EACH_BACKEND(extern template void train_futures, SvgFutures,
                         (const StateSpaceSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_futures, SvgFixedFutures,
                         (const StateSpaceSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_futures, VrnnFutures,
                         (const StateSpaceSettings&, const Data&, Index))
FLIPBOOK_ON_EACH_BACKEND(extern template void train_world_model, PendulumWorld,
                         (const StateSpaceSettings&, const PendulumClips&, Index))

}  // namespace flipbook::examples

using namespace flipbook::examples;

int main(int argc, char** argv) {
  CommandLine line{"Trains a state-space model of clips of 20 frames, 64×64 pixels; it goes on after the first five."};
  StateSpaceSettings settings;
  settings.training.add_to(line);
  line.choice("--model", settings.model, {"svg", "svg-fixed", "vrnn", "rssm"},
              "svg: learned prior; svg-fixed: N(0, 1); vrnn: one memory for all; rssm: of a pendulum, whatever --data, "
              "with its actions");
  line.positive("--learning-rate", settings.learning_rate, "Of Adam");
  line.number("--beta", settings.beta, "Weight of the divergence", 0, 1e9);
  return line.run(argc, argv, [&]<class B>(B) {
    if (settings.model == "rssm") {
      const auto clips = pendulum_clips(futures_format, settings.training.seed);
      return train_world_model<PendulumWorld, B>(settings, clips, futures_seen);
    }
    const Data data = settings.training.open(futures_format);
    if (settings.model == "svg") train_futures<SvgFutures, B>(settings, data, futures_seen);
    else if (settings.model == "svg-fixed") train_futures<SvgFixedFutures, B>(settings, data, futures_seen);
    else train_futures<VrnnFutures, B>(settings, data, futures_seen);
  });
}
