// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/dynamic_filter.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/train_step.hpp>

#include "same_bits.hpp"

using namespace flipbook;

namespace {

constexpr dynamic_filter::Options small{.hidden = 6, .kernel = 3, .filters = 2, .block = 2};
template <int Channels>
using Network = DynamicFilterNetwork<Channels, small>;
using Tiny = Autoregressive<Network<1>>;

/// A grey square that moves one pixel to the right in each frame: (1, frames, 8, 12, 1).
Tensor<double> square_clip(Index frames) {
  Tensor<double> clip = zeros<double>({1, frames, 8, 12, 1});
  for (Index t = 0; t < frames; ++t) {
    for (Index y = 2; y < 5; ++y) {
      for (Index x = t; x < t + 3; ++x) clip.data()[(t * 8 + y) * 12 + x] = 0.75;
    }
  }
  return clip;
}
double largest(const Tensor<double>& x) { return *std::max_element(x.begin(), x.end()); }

/// `steps` of training on one clip, of which the first two frames are given.
Module<Tiny, double> trained(int steps) {
  Module<Tiny, double> model{Rng{1}};
  model->context_frames = 2;
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  const auto clips = square_clip(6);
  for (int i = 0; i < steps; ++i) {
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(clips)); }, {});
  }
  return model;
}

}  // namespace

TEST_CASE("where one filter has its weight on one tap, and masks choose it, the next frame is the last one, moved") {
  Module<Network<3>, double> network{Rng{1}};
  const Index filters = 2 * 9, area = 4;
  auto& readout = network->readout;
  readout.weight.value = zeros<double>(readout.weight.value.shape());
  auto bias = to_vector(zeros<double>(readout.bias.value.shape()));
  bias[9 + 3] = 50;  // the second filter: one pixel to the left
  for (Index i = 0; i < area; ++i) bias[std::size_t(filters + 2 * area + i)] = 50;  // the mask of the second filter
  readout.bias.value = Tensor<double>(readout.bias.value.shape(), bias);

  Rng rng{3};
  const auto frame = uniform<double>({2, 6, 8, 3}, rng);
  auto state = network->start(frame);
  const auto p = sigmoid(network->step(frame, state));
  const auto moved = pad(slice(frame, 2, 0, 7), 2, 1, 0);  // what was at column w − 1 is at w
  CHECK(largest(abs(p - affine(moved, 1 - 2e-4, 1e-4))) < 1e-9);
}

TEST_CASE("new content begins almost black, and logits stay finite where a frame is black or white") {
  const Module<Network<1>, double> network{Rng{1}};
  for (const double level : {0.0, 1.0}) {
    const auto frame = full<double>({1, 4, 6, 1}, level);
    auto state = network->start(frame);
    const auto p = sigmoid(network->step(frame, state));
    for (const double v : p) CHECK((v > 5e-5 && v < 1 - 5e-5));
    if (level == 0) CHECK(largest(p) < 0.05);
  }
}

TEST_CASE("sequences as a whole give what single steps give") {
  const Module<Network<3>, double> network{Rng{1}};
  Rng rng{3};
  const auto clips = uniform<double>({2, 4, 6, 8, 3}, rng);
  const auto whole = (*network.operator->())(clips);
  CHECK(whole.shape() == clips.shape());
  const auto frames = unstack(clips, 1);
  auto state = network->start(frames.front());
  for (Index t = 0; t < 4; ++t) {
    const auto one = network->step(frames[std::size_t(t)], state);
    CHECK(largest(abs(one - reshape(slice(whole, 1, t, t + 1), one.shape()))) < 1e-12);
  }
}

TEST_CASE("a network sees its last frame and the changes before it, the latest first; nothing moved at the beginning") {
  const Module<DynamicFilterNetwork<2, dynamic_filter::Options{.hidden = 3, .kernel = 1, .block = 1, .history = 4}>,
               double>
      network{Rng{1}};
  Rng rng{3};
  const auto a = uniform<double>({1, 2, 3, 2}, rng), b = uniform<double>({1, 2, 3, 2}, rng),
             c = uniform<double>({1, 2, 3, 2}, rng);
  auto state = network->start(a);
  for (const auto& frame : {a, b, c}) (void)network->observe(frame, state);
  REQUIRE(state.seen.size() == 4);
  CHECK(to_vector(state.seen[0]) == to_vector(c));
  CHECK(to_vector(state.seen[1]) == to_vector(c - b));
  CHECK(to_vector(state.seen[2]) == to_vector(b - a));
  CHECK(largest(abs(state.seen[3])) == 0);
}

TEST_CASE("frames that are observed leave the state that steps leave, and the loss that whole sequences have") {
  Module<Tiny, double> model{Rng{1}};
  Rng rng{3};
  const auto clips = uniform<double>({2, 6, 4, 6, 1}, rng);
  const auto frames = unstack(clips, 1);
  const auto& network = model->network;
  auto observed = network.start(frames[0]), stepped = observed;
  for (std::size_t t = 0; t < 3; ++t)
    (void)network.observe(frames[t], observed), (void)network.step(frames[t], stepped);
  CHECK(to_vector(network.step(frames[3], observed)) == to_vector(network.step(frames[3], stepped)));

  for (const Index context : {0, 1, 4}) {
    CAPTURE(context);
    model->context_frames = context;
    model->scheduled_sampling = 0;
    const double whole = model->loss(clips).item();
    model->scheduled_sampling = 1e-300;  // step by step, with frames of its own as good as never
    Tape tape{rng};
    CHECK(model->loss(tape.constant(clips)).value().item() == doctest::Approx(whole).epsilon(1e-12));
  }
}

TEST_CASE("a prediction depends on the frames before the last one: what moves is seen in their differences") {
  const Module<Tiny, double> model{Rng{1}};
  const auto clip = square_clip(3), before = model->predict(clip, 1);
  for (Index changed = 0; changed < 3; ++changed) {
    auto other = to_vector(clip);
    other[std::size_t((changed * 8 + 3) * 12 + 3)] += 0.2;
    CHECK(to_vector(model->predict(Tensor<double>(clip.shape(), other), 1)) != to_vector(before));
  }
}

TEST_CASE("the gradient of the loss of dynamic filters is exact") {
  Module<Tiny, double> model{Rng{1}};
  model->context_frames = 1;
  Rng rng{2};
  const auto clips = uniform<double>({2, 4, 4, 6, 1}, rng);
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape.constant(clips)); }) < 1e-6);
}

TEST_CASE("dynamic filters learn how a square moves, to the same bits on any number of threads, which a file keeps") {
  const auto clip = square_clip(6), context = slice(clip, 1, 0, 2), truth = slice(clip, 1, 2, 6);
  const auto error = [&](const auto& model) { return sum(square(model->predict(context, 4) - truth)).item(); };
  const Module<Tiny, double> untrained{Rng{1}};
  const auto model = trained(120);
  MESSAGE(error(untrained) << " before, " << error(model) << " after");
  CHECK(error(model) < 0.05 * error(untrained));

  test::check_same_bits(
      "dynamic_filter", [] { return trained(4); }, [&](const auto& m) { return m->predict(context, 4); });
}

TEST_CASE("frames that blocks do not divide, or of other channels, are refused by name") {
  const Module<Tiny, double> model{Rng{1}};
  CHECK_THROWS_WITH_AS(model->predict(zeros<double>({1, 2, 7, 8, 1}), 1), doctest::Contains("pixel_unshuffle"), Error);
  CHECK_THROWS_WITH_AS(model->loss(zeros<double>({1, 3, 8, 8, 3})), doctest::Contains("have 3 channels"), Error);
}
