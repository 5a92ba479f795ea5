// SPDX-License-Identifier: MIT
#include <flipbook/models/autoregressive/one_pass.hpp>

#include <doctest/doctest.h>

#include <flipbook/nn/conv.hpp>

using namespace flipbook;

namespace {

/// Reads four frames and gives two.
using Model = OnePass<nn::Conv3d<1, 1, Window{.kernel = {3, 3, 3}, .padding = {0, 1, 1}}>, 4>;

Tensor<float> clips(Index frames) {
  Rng rng{3};
  return uniform<float>({2, frames, 5, 3, 1}, rng);
}
Tensor<float> frames(const Tensor<float>& x, Index first, Index last) { return slice(x, 1, first, last); }

}  // namespace

TEST_CASE("of frames that the network gives, those that are asked for are the first") {
  const Module<Model, float> model{Rng{1}};
  const auto context = clips(4), two = model->predict(context, 2);
  CHECK(to_vector(two) == to_vector(sigmoid(model->network(context))));
  CHECK(to_vector(model->predict(context, 1)) == to_vector(frames(two, 0, 1)));
}

TEST_CASE("a longer horizon is predicted from predictions, as feeding them back by hand does") {
  const Module<Model, float> model{Rng{1}};
  const auto context = clips(4), five = model->predict(context, 5);
  CHECK(five.shape() == Shape{2, 5, 5, 3, 1});
  const auto first = model->predict(context, 2);
  const auto second = model->predict(concat(1, frames(context, 2, 4), first), 2);
  const auto third = model->predict(concat(1, first, second), 1);
  CHECK(to_vector(five) == to_vector(concat(1, first, second, third)));
}

TEST_CASE("of a longer past the last frames are read") {
  const Module<Model, float> model{Rng{1}};
  const auto past = clips(7);
  CHECK(to_vector(model->predict(past, 3)) == to_vector(model->predict(frames(past, 3, 7), 3)));
  CHECK(to_vector(model->predict(past, 3)) != to_vector(model->predict(frames(past, 2, 6), 3)));
}

TEST_CASE("the likelihood is that of the frames after the context, and the loss is it in nats per frame") {
  const Module<Model, float> model{Rng{1}};
  const auto all = clips(7), context = frames(all, 0, 4);
  const auto first = model->forward(context, 2);
  const auto second = model->forward(concat(1, context, sigmoid(first)), 1);
  const auto by_hand = likelihood::Bernoulli::log_prob(concat(1, first, second), frames(all, 4, 7));  // (N)
  CHECK(to_vector(model->log_likelihood(all)) == to_vector(by_hand));
  CHECK(to_vector(model->open_loop_log_likelihood(all, 4)) == to_vector(by_hand));
  CHECK(to_vector(model->open_loop_log_likelihood(all, 5)) != to_vector(by_hand));
  CHECK(model->loss(all).item() == doctest::Approx(-mean(by_hand).item() / 3));
}

TEST_CASE("samples are drawn from the seed") {
  const Module<Model, float> model{Rng{1}};
  Rng a{5}, b{5}, c{6};
  const auto drawn = model->sample(clips(4), 3, a);
  for (const float v : drawn) CHECK((v == 0 || v == 1));
  CHECK(to_vector(drawn) == to_vector(model->sample(clips(4), 3, b)));
  CHECK(to_vector(drawn) != to_vector(model->sample(clips(4), 3, c)));
}

TEST_CASE("clips that are too short, none, or of other channels are refused by name") {
  const Module<Model, float> model{Rng{1}};
  CHECK_THROWS_WITH_AS(model->predict(clips(3), 1),
                       "OnePass: clips (2, 3, 5, 3, 1); needs (N, T, …, C) with at least 4 frames to read", Error);
  CHECK_THROWS_WITH_AS(model->loss(clips(4)),
                       "OnePass: clips (2, 4, 5, 3, 1) of which 4 frames are seen: needs (N, T, …, C) with T above "
                       "that, and 4 frames to read",
                       Error);
  CHECK_THROWS_WITH_AS(model->predict(clips(4), 0), "OnePass: 0 frames asked for", Error);
  CHECK_THROWS_WITH_AS(model->loss(Tensor<float>({0, 6, 5, 3, 1})), doctest::Contains("a batch of no clips"), Error);
  CHECK_THROWS_WITH_AS(model->loss(Tensor<float>({1, 6, 5, 3, 3})), doctest::Contains("have 3 channels"), Error);
}
