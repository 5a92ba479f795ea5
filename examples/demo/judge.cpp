// SPDX-License-Identifier: MIT
#include "judge.hpp"

#include <chrono>

#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/optim/adam.hpp>

namespace flipbook::examples::demo {

namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

Tensor<float> beginning(const Tensor<float>& clips) { return slice(clips, 1, 0, Judge::length); }

Module<Classifier, float> trained(const MovingSprites& sprites, const Tensor<std::uint8_t>& labels, double seconds) {
  constexpr Index batch = 64;
  MovingSprites::Options one = sprites.options();
  one.frames = 1;
  const MovingSprites frames(sprites.images(), one);
  Module<Classifier, float> classifier{Rng{1}};
  Optimizer optimizer{optim::Adam{}, classifier.parameters()};
  Rng rng{2};
  const auto began = std::chrono::steady_clock::now();
  double share = 0;
  for (Index first = 0; share < 1; first += batch, share = seconds_since(began) / seconds) {
    const auto x = batch_of(frames, first, batch).reshape({batch, canvas, canvas, 1});
    Tensor<std::int32_t> classes({batch});
    for (Index i = 0; i < batch; ++i) classes.data()[i] = labels.data()[frames.image(first + i, 0)];
    optimizer.rule.learning_rate = 2e-3 * (1.02 - share);
    train_step(classifier, optimizer, rng, [&](Tape& tape) {
      const auto logits = classifier->last(classifier->features(tape.constant(x)));
      return -mean(take_along_axis(log_softmax(logits), classes));
    });
  }
  return classifier;
}

}  // namespace

Judge::Judge(const MovingSprites& training, const Tensor<std::uint8_t>& labels, AnyClips real, double seconds)
    : real_(std::move(real)) {
  if (labels.size() > 0 && labels.size() == training.images().extent(0)) {
    classifier_.emplace(trained(training, labels, seconds));
  }
  for (Index first = 0; first < clips; first += 32) {
    const auto some = batch_of(real_, first, 32);  // (32, T, 64, 64, 1)
    if (classifier_) looks_.add_real(features(some));
    moves_.add_real(paths(some));
  }
}

Quality Judge::measure(const std::function<Tensor<float>(Index, Index)>& made) const {
  metrics::FrechetDistance looks = looks_, moves = moves_;
  metrics::SpriteMotion motion;
  Index sure = 0;
  for (Index first = 0; first < clips; first += 32) {
    const auto some = made(first, 32);  // (32, T, 64, 64, 1)
    if (classifier_) looks.add_generated(features(some)), sure += known(some);
    moves.add_generated(paths(some));
    motion.add(beginning(some));
  }
  return {.distance = classifier_ ? looks.value() : Quality::none,
          .motion = moves.value(),
          .straight = motion.value(),
          .known = classifier_ ? static_cast<double>(sure) / static_cast<double>(clips) : Quality::none};
}

Tensor<float> Judge::features(const Tensor<float>& clips) const {
  const auto some = concat(1, slice(clips, 1, 2, 3), slice(clips, 1, 13, 14));  // (N, 2, 64, 64, 1)
  return (*classifier_)->features(some.reshape({-1, canvas, canvas, 1}));
}

/// How many clips have a class of which the classifier is sure by 0.9, as its mean over the frames.
Index Judge::known(const Tensor<float>& clips) const {
  const auto frames = beginning(clips).reshape({-1, canvas, canvas, 1});
  const auto classes = softmax((*classifier_)->last((*classifier_)->features(frames)));  // (N·16, 10)
  const auto sure = max(mean(classes.reshape({clips.extent(0), length, 10}), {1}, true), -1);
  return std::count_if(sure.begin(), sure.end(), [](float p) { return p >= 0.9F; });
}

/// Where the thing is in every second frame.
Tensor<float> Judge::paths(const Tensor<float>& clips) {
  Tensor<float> at({clips.extent(0), length});
  for (Index n = 0; n < clips.extent(0); ++n) {
    const auto path = metrics::centroid_path(clips[n]);
    for (Index t = 0; t < length / 2; ++t) {
      for (Index axis = 0; axis < 2; ++axis)
        at.data()[n * length + 2 * t + axis] = static_cast<float>(path.at.data()[2 * (2 * t) + axis]);
    }
  }
  return at;
}

}  // namespace flipbook::examples::demo
