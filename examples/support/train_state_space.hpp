// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>

#include <flipbook/data/pendulum.hpp>
#include <flipbook/data/split.hpp>
#include <flipbook/models/state_space/state_space.hpp>
#include <flipbook/optim/adam.hpp>

#include "training.hpp"

namespace flipbook::examples {

struct StateSpaceSettings {
  TrainingOptions training{.data = "stochastic", .out = "out/state_space", .steps = 1000, .batch = 8};
  std::string model = "svg";
  double learning_rate = 1e-3, beta = 1;
};

/// A trainer of a state-space model with these settings.
template <class Model, class B>
auto state_space_trainer(const StateSpaceSettings& settings) {
  Trainer trainer{Module<Model, float, B>{Rng{settings.training.seed}},
                  optim::Adam{.learning_rate = settings.learning_rate}, settings.training.seed};
  trainer.model->divergence.beta = settings.beta;
  return trainer;
}

/// Trains a state-space model on a backend, and writes for unseen clips, one a row, the truth and five ways in which it
/// may go on after the first `seen` frames.
template <class Model, class B>
void train_futures(const StateSpaceSettings& settings, const Data& data, Index seen) {
  const TrainingOptions& options = settings.training;
  auto trainer = state_space_trainer<Model, B>(settings);
  trainer.model->seen_frames = seen;
  train(trainer, data, options, {.step = {.clip_norm = 100}, .title = settings.model}, [&](const Showing& show) {
    const auto& model = *trainer.model.operator->();
    Rng rng{7};
    const auto clips = batch_on<B>(data.test, 0, 4);  // (4, T, H, W, C)
    // [futures]
    const auto past = slice(clips, 1, 0, seen);  // (4, seen, H, W, C)
    const auto state = model.observe(past, rng);
    List<Tensor<float, B>> columns{clips};
    for (int future = 0; future < 5; ++future) {
      columns.push_back(concat(1, past, model.imagine(state, clips.extent(1) - seen, rng).clips));
    }
    // [/futures]
    Shape rows = clips.shape();
    rows[0] *= static_cast<Index>(columns.size());
    show("futures", reshape(stack(1, columns), rows), static_cast<Index>(columns.size()));
    if (!show.last) return;

    const auto unseen = batch_on<B>(data.test, 100, 32);  // (32, T, H, W, C)
    const double nats = static_cast<double>(mean(model.elbo(unseen, rng)).item());
    std::printf("unseen clips: log p of a frame is at least %.1f nats\n",
                nats / static_cast<double>(unseen.extent(1) - 1));
  });
}

/// Clips of a pendulum with its actions and its state.
struct PendulumClips {
  SplitDataset<Pendulum> training, test;
  std::string name;
};
inline PendulumClips pendulum_clips(const ClipFormat& format, std::uint64_t seed) {
  const Pendulum pendulum({.frames = format.frames, .canvas = format.size, .seed = seed});
  return {split_of(pendulum, DataSplit::training), split_of(pendulum, DataSplit::test), "a pendulum with a motor"};
}

/// The angle of the pendulum in each frame, in radians, by where the orange of its bob is: (N, T).
inline Tensor<double> angles_of(const Tensor<float>& clips) {
  const Index height = clips.extent(2), width = clips.extent(3);
  Tensor<double> angles({clips.extent(0), clips.extent(1)});
  const float* rgb = clips.data();
  for (double& angle : angles) {
    double right = 0, down = 0;
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x, rgb += 3) {
        const double orange = std::max(0.0, static_cast<double>(rgb[0]) - static_cast<double>(rgb[2]) - 0.2);
        right += orange * (static_cast<double>(x) + 0.5 - static_cast<double>(width) / 2);
        down += orange * (static_cast<double>(y) + 0.5 - static_cast<double>(height) / 2);
      }
    }
    angle = std::atan2(right, -down);
  }
  return angles;
}

/// How far angles (N, T) are from others at frame t on average, in degrees.
template <class Other>
double degrees_apart(const Tensor<double>& angles, Index t, const Other& other) {
  double sum = 0;
  for (Index n = 0; n < angles.extent(0); ++n) {
    sum += std::abs(std::remainder(angles[n].data()[t] - other(n), 2 * std::numbers::pi));
  }
  return sum / static_cast<double>(angles.extent(0)) * 180 / std::numbers::pi;
}

/// Trains a world model of a pendulum on a backend. Writes, below unseen clips, how it imagines them after the first
/// `seen` frames by their actions alone, and says how far the imagined angles are from the truth: in the frames, and as
/// the head foretells them.
template <class Model, class B>
void train_world_model(const StateSpaceSettings& settings, const PendulumClips& data, Index seen) {
  const TrainingOptions& options = settings.training;
  auto trainer = state_space_trainer<Model, B>(settings);
  train(trainer, data, options, {.step = {.clip_norm = 100}, .title = settings.model}, [&](const Showing& show) {
    const auto& model = *trainer.model.operator->();
    Rng rng{7};
    const auto here = batch_of(data.test, 0, 64);
    const auto unseen = map_members(here, [](const auto& x) { return to<B>(x); });
    const Index frames = unseen.clip.extent(1);
    // [imagined]
    const auto past = slice(unseen.clip, 1, 0, seen);  // (64, seen, H, W, 3)
    const auto state = model.observe(past, slice(unseen.actions, 1, 0, seen), rng);
    const auto imagined = model.imagine(state, slice(unseen.actions, 1, seen - 1, frames - 1), rng);
    const auto clips = concat(1, past, imagined.clips);  // (64, T, H, W, 3)
    // [/imagined]
    show("imagined", concat(0, unseen.clip.slice(0, 8), clips.slice(0, 8)), 8);
    if (!show.last) return;

    const auto seen_in = angles_of(to<Cpu>(clips));                // (64, T)
    const auto foretold = to<Cpu>(model.head(imagined.features));  // (64, T − seen, 3)
    const auto truth = [&](Index n, Index t) {
      const float* const state_of = here.state[n].data() + 3 * t;
      return std::atan2(static_cast<double>(state_of[1]), static_cast<double>(state_of[0]));
    };
    for (const Index t : {seen, (seen + frames) / 2, frames - 1}) {
      const auto true_angle = [&](Index n) { return truth(n, t); };
      Tensor<double> from_head({seen_in.extent(0), 1}), kept({seen_in.extent(0), 1});
      for (Index n = 0; n < seen_in.extent(0); ++n) {
        const float* const cosine = foretold[n].data() + 3 * (t - seen);
        from_head.data()[n] = std::atan2(static_cast<double>(cosine[1]), static_cast<double>(cosine[0]));
        kept.data()[n] = truth(n, seen - 1);
      }
      std::printf("imagined frame %td, off by: %.1f degrees as drawn, %.1f as foretold; the last frame seen, %.1f\n",
                  t - seen + 1, degrees_apart(seen_in, t, true_angle), degrees_apart(from_head, 0, true_angle),
                  degrees_apart(kept, 0, true_angle));
    }
  });
}

}  // namespace flipbook::examples
