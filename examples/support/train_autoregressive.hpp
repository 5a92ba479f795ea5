// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/optim/adam.hpp>

#include "training.hpp"

namespace flipbook::examples {

struct AutoregressiveSettings {
  TrainingOptions training{.out = "out/autoregressive", .steps = 1000, .batch = 8};
  std::string network = "convlstm";
  double learning_rate = 2e-3, scheduled_sampling = 0;
  bool through_own_frames = false;
};

/// Trains a model on a backend to predict frames from those before them, lets it continue the first `seen` frames of
/// unseen clips, and says how likely it finds what follows.
template <class Model, class B>
void train_autoregressive(const AutoregressiveSettings& settings, const Data& data, Index seen) {
  require(settings.scheduled_sampling > 0 || !settings.through_own_frames,
          "--through-own-frames: no frames of its own are fed; needs --own-frames above 0");
  const TrainingOptions& options = settings.training;
  Trainer trainer{Module<Model, float, B>{Rng{options.seed}}, optim::Adam{.learning_rate = settings.learning_rate},
                  options.seed};
  auto& model = *trainer.model.operator->();
  constexpr bool frame_by_frame = requires { model.scheduled_sampling; };
  if constexpr (frame_by_frame) {
    model.context_frames = 1;
    model.scheduled_sampling = settings.scheduled_sampling;
    model.through_own_frames = settings.through_own_frames;
  } else {
    require(settings.scheduled_sampling == 0, "--own-frames ", settings.scheduled_sampling, ": ", settings.network,
            " is not trained frame by frame");
  }
  train(trainer, data, options, {.step = {.clip_norm = 100}, .title = settings.network}, [&](const Showing& show) {
    const auto clips = batch_on<B>(data.test, 0, 8);  // (8, T, H, W, C)
    const auto context = slice(clips, 1, 0, seen);    // (8, seen, H, W, C)
    const auto predicted = model.predict(context, clips.extent(1) - seen);
    show("predictions", concat(0, clips, concat(1, context, predicted)), 8);
    if (!show.last) return;

    const auto unseen = batch_on<B>(data.test, 100, 32);  // (32, T, H, W, C)
    const auto nats = [&](const Tensor<float, B>& log_p) {
      return -static_cast<double>(mean(log_p).item()) / static_cast<double>(unseen.extent(1) - seen);
    };
    std::printf("frames %td to %td of unseen clips, nats per frame: ", seen + 1, unseen.extent(1));
    if constexpr (frame_by_frame) {
      auto forced = model;
      forced.context_frames = seen;
      std::printf("%.1f with true frames before them, ", nats(forced.log_likelihood(unseen)));
    }
    std::printf("%.1f with its own\n", nats(model.open_loop_log_likelihood(unseen, seen)));
  });
}

}  // namespace flipbook::examples
