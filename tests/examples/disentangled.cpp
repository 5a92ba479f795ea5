// SPDX-License-Identifier: MIT
#include "../../examples/demo/disentangled.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <flipbook/core/fill.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

using namespace flipbook;
using namespace flipbook::examples::demo;

namespace {

double largest(const Tensor<double>& x) { return *std::max_element(x.begin(), x.end()); }

/// Windows at the positions of their lines, displaced by `offset` in half-lengths of the map.
Module<LineWindows, double> moved_windows(double offset) {
  Module<LineWindows, double> windows{Rng{1}};
  for (auto* perceptron : {&windows->of_rows, &windows->of_columns}) {
    auto& last = get<4>(perceptron->layers);
    last.weight.value = zeros<double>(last.weight.value.shape());
    last.bias.value = Tensor<double>({2}, {offset / 2, 0.0});
  }
  return windows;
}

}  // namespace

TEST_CASE("attention of rows and columns sums to one, and writing a map is the adjoint of reading it") {
  const Module<LineWindows, double> windows{Rng{1}};
  Rng rng{2};
  const auto motion = normal<double>({2, 3, motion_size}, rng);
  const auto at = windows->weights(motion);
  CHECK(at.rows.shape() == Shape{2, 3, canvas, map_size});
  CHECK(largest(abs(sum(at.rows, {3}) - 1.0)) < 1e-12);
  CHECK(largest(abs(sum(at.columns, {3}) - 1.0)) < 1e-12);

  // ⟨read(map), clips⟩ = T ⟨map, write(clips)⟩, since `write` is averaged over the T frames.
  const auto map = normal<double>({2, map_size, map_size, 1}, rng);
  const auto clips = normal<double>({2, 3, canvas, canvas, 1}, rng);
  const double read = sum(windows->read(map, at) * clips).item();
  CHECK(read == doctest::Approx(3 * sum(map * windows->write(clips, at)).item()).epsilon(1e-10));
}

TEST_CASE("windows that are displaced by one line read the map one line away") {
  const auto motion = zeros<double>({1, 1, motion_size});
  const auto still = moved_windows(0)->weights(motion).rows;
  const auto moved = moved_windows(2.0 / map_size)->weights(motion).rows;  // (1, 1, 64, 32)
  for (Index line = 24; line < 40; ++line) {
    const auto before = slice(slice(still, 2, line, line + 1), 3, 8, 23);
    const auto after = slice(slice(moved, 2, line, line + 1), 3, 9, 24);
    CHECK(largest(abs(after - before)) < 1e-6);
    CHECK(largest(before) > 0.1);
  }
}

TEST_CASE("a model of content and motion learns clips, samples, predicts, and refuses clips that are too short") {
  Module<Disentangled, float> model{Rng{1}};
  Tensor<float> clips = zeros<float>({2, 4, canvas, canvas, 1});
  for (Index t = 0; t < 4; ++t)
    for (Index y = 20; y < 44; ++y)
      for (Index x = 12 + 4 * t; x < 36 + 4 * t; ++x)
        for (Index n = 0; n < 2; ++n) clips.data()[((n * 4 + t) * canvas + y) * canvas + x] = 1;

  Optimizer adam{optim::Adam{.learning_rate = 2e-3}, model.parameters()};
  Rng rng{2};
  double first = 0, last = 0;
  for (int step = 0; step < 40; ++step) {
    last = train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(clips)); }, {});
    if (step == 0) first = last;
  }
  MESSAGE(first << " at first, " << last << " at last");
  CHECK(last < 0.6 * first);

  CHECK(model->sample(3, 6, rng).shape() == Shape{3, 6, canvas, canvas, 1});
  CHECK(model->predict(clips, 3, rng).shape() == Shape{2, 3, canvas, canvas, 1});
  const auto one = slice(clips, 1, 0, 1);
  const auto loss_of_one = [&] {
    Tape tape{Rng{3}};
    return model->loss(tape.constant(one)).value().item();
  };
  CHECK_THROWS_WITH_AS(loss_of_one(), doctest::Contains("of which a step decodes 2 frames"), Error);
}
