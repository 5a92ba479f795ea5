// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/simvp.hpp>

#include <doctest/doctest.h>

#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/train_step.hpp>

#include "same_bits.hpp"

using namespace flipbook;

namespace {

using Tiny = SimVp<2, 1, simvp::Options{.spatial = 2, .hidden = 4, .halvings = 2, .blocks = 2, .expansion = 2}>;

/// A bright square that moves one pixel a frame: (1, frames, 12, 12, 1).
Tensor<double> square_clip(Index frames) {
  Tensor<double> clip = zeros<double>({1, frames, 12, 12, 1});
  for (Index t = 0; t < frames; ++t) {
    for (Index y = 3; y < 7; ++y) {
      for (Index x = t; x < t + 4; ++x) clip.data()[(t * 12 + y) * 12 + x] = 1;
    }
  }
  return clip;
}

/// `steps` of training on one clip.
Module<Tiny, double> trained(int steps) {
  Module<Tiny, double> model{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  const auto clips = square_clip(4);
  for (int i = 0; i < steps; ++i) {
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(clips)); }, {});
  }
  return model;
}

double squared_error(const Module<Tiny, double>& model) {
  const auto clips = square_clip(4);
  return sum(square(model->predict(slice(clips, 1, 0, 2), 2) - slice(clips, 1, 2, 4))).item();
}

}  // namespace

TEST_CASE("SimVP takes clips of any height and width, and of as many frames as it has") {
  const Module<Tiny, double> model{Rng{1}};
  for (const Shape& shape : {Shape{2, 2, 12, 8, 1}, Shape{1, 2, 7, 13, 1}, Shape{1, 2, 1, 1, 1}}) {
    Rng rng{3};
    CHECK(model->predict(uniform<double>(shape, rng), 2).shape() == shape);
  }
  CHECK_THROWS_WITH_AS(model->network(zeros<double>({1, 3, 8, 8, 1})),
                       "SimVpNetwork: clips (1, 3, 8, 8, 1); needs (N, 2, H, W, 1)", Error);
}

TEST_CASE("each frame that SimVP predicts depends on each that it reads") {
  const Module<Tiny, double> model{Rng{1}};
  const auto clip = square_clip(2), before = model->predict(clip, 2);
  for (Index changed = 0; changed < 2; ++changed) {
    auto other = to_vector(clip);
    other[std::size_t(changed * 144 + 60)] += 1;
    const auto after = model->predict(Tensor<double>(clip.shape(), other), 2);
    for (Index t = 0; t < 2; ++t) {
      CHECK(to_vector(slice(after, 1, t, t + 1)) != to_vector(slice(before, 1, t, t + 1)));
    }
  }
}

TEST_CASE("the loss of SimVP is the squared error, and a constant") {
  const Module<Tiny, double> model{Rng{1}};
  constexpr double pixels = 144;
  CHECK(model->loss(square_clip(4)).item() ==
        doctest::Approx(squared_error(model) / 2 + pixels * std::log(std::numbers::pi) / 2));
}

TEST_CASE("the gradient of SimVP's loss is exact, also over predictions that were fed back") {
  Module<Tiny, double> model{Rng{1}};
  Rng rng{2};
  const auto clips = uniform<double>({2, 5, 4, 3, 1}, rng);
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape.constant(clips)); }) < 1e-6);
}

TEST_CASE("SimVP learns a clip by heart, to the same bits on any number of threads, which a file keeps") {
  const Module<Tiny, double> untrained{Rng{1}};
  const auto model = trained(150);
  MESSAGE(squared_error(untrained) << " before, " << squared_error(model) << " after");
  CHECK(squared_error(model) < 0.1 * squared_error(untrained));

  test::check_same_bits(
      "simvp", [] { return trained(4); }, [](const auto& m) { return m->predict(square_clip(2), 3); });
}
