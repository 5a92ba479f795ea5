// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/backend/cpu/runtime/arithmetic.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/models/autoregressive/autoregressive.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv_cells.hpp>
#include <flipbook/nn/evaluating.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

constexpr Window same{.kernel = 3, .padding = 1};

/// A next-frame LSTM over codes of the frames.
template <int Side, int Code, int Hidden>
using FrameLstm = Stack<Flatten, Linear<Side * Side, Code>, ReLU, LstmCell<Code, Hidden>, Linear<Hidden, Side * Side>,
                        Unflatten<Side, Side, 1>>;
/// A ConvLSTM over frames folded into patches of 2×2.
template <int Hidden>
using FoldedConvLstm = Stack<PixelUnshuffle<1, 2>, ConvLstmCell<4, Hidden, same>,
                             Conv2d<Hidden, 4, Window{.kernel = 1}>, PixelShuffle<4, 2>>;

/// One white square of 4×4 that moves over 12×12 pixels.
MovingSprites squares(Index frames = 8) {
  return {full<std::uint8_t>({1, 4, 4}, 255), {.frames = frames, .canvas = 12, .sprites = 1, .step = 0.25, .seed = 3}};
}

/// Nats per frame, over frames 4 … 7 of clips that training has not seen, of predicting each from those before it;
/// of the trained model, and of taking the last frame again, softened so that it is as good as it can be.
template <class Network>
std::pair<double, double> compared(int steps, double rate) {
  const auto source = squares();
  Module<Autoregressive<Network>, float> model{Rng{1}};
  model->context_frames = 1;
  Optimizer adam{optim::Adam{.learning_rate = rate}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < steps; ++i) {
    const auto clips = batch_of(source, 16 * i, 16);
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(clips)); }, {.clip_norm = 5});
  }
  const auto unseen = batch_of(source, 1'000'000, 64);
  model->context_frames = 4;
  const double learned = -double(mean(model->log_likelihood(unseen)).item()) / 4;
  double repeated = 1e9;
  const auto last = slice(unseen, 1, 3, 7), next = slice(unseen, 1, 4, 8);
  for (double certainty = 0.5; certainty < 6; certainty += 0.25) {
    const auto logits = affine(last, 2 * certainty, -certainty);
    repeated = std::min(repeated, -double(mean(likelihood::Bernoulli::log_prob(logits, next)).item()) / 4);
  }
  return {learned, repeated};
}

}  // namespace

TEST_CASE("an LSTM over frame codes predicts moving sprites better than the last frame repeated") {
  const auto [learned, repeated] = compared<FrameLstm<12, 64, 96>>(700, 3e-3);
  MESSAGE(learned << " nats per frame, " << repeated << " by repeating");
  CHECK(learned < 0.8 * repeated);
}

TEST_CASE("a ConvLSTM predicts moving sprites better than the last frame repeated") {
  const auto [learned, repeated] = compared<FoldedConvLstm<24>>(250, 1e-2);
  MESSAGE(learned << " nats per frame, " << repeated << " by repeating");
  CHECK(learned < 0.6 * repeated);

  cpu::arithmetic().bfloat16 = true;
  const double rounded = compared<FoldedConvLstm<24>>(250, 1e-2).first;
  cpu::arithmetic().bfloat16 = false;
  MESSAGE(rounded << " nats per frame with convolutions in bfloat16");
  CHECK(rounded < 1.05 * learned);
  CHECK((rounded != learned) == cpu::can_multiply_bfloat16());
}

TEST_CASE("the likelihood of a clip is the sum over its frames, each given those before it") {
  Module<Autoregressive<FoldedConvLstm<3>>, double> model{Rng{1}};
  const auto clips = cast<double>(batch_of(squares(5), 0, 2));
  auto frame = zeros<double>({2, 12, 12, 1});
  auto state = model->network.start(frame);
  Tensor<double> total = zeros<double>({2});
  for (const auto& next : unstack(clips, 1)) {
    total = total + likelihood::Bernoulli::log_prob(model->network.step(frame, state), next);
    frame = next;
  }
  CHECK(flipbook::detail::relative_difference(model->log_likelihood(clips), total) < 1e-12);
}

TEST_CASE("given frames are not scored, and nothing is scored twice") {
  Module<Autoregressive<FoldedConvLstm<3>>, double> model{Rng{1}};
  const auto clips = cast<double>(batch_of(squares(5), 0, 2));
  model->context_frames = 1;
  const auto from_one = model->log_likelihood(clips);
  model->context_frames = 3;
  const auto from_three = model->log_likelihood(clips);
  model->context_frames = 1;
  const auto between = model->log_likelihood(slice(clips, 1, 0, 3));
  CHECK(flipbook::detail::relative_difference(from_one, from_three + between) < 1e-12);
}

TEST_CASE("a clip's early frames do not know its later ones") {
  Module<Autoregressive<FrameLstm<12, 8, 8>>, float> model{Rng{1}};
  const auto clips = batch_of(squares(6), 0, 2), others = batch_of(squares(6), 50, 2);
  const auto mixed = concat(1, slice(clips, 1, 0, 4), slice(others, 1, 4, 6));
  CHECK(to_vector(slice(model->forward(clips), 1, 0, 5)) == to_vector(slice(model->forward(mixed), 1, 0, 5)));
  CHECK(to_vector(model->forward(clips)) != to_vector(model->forward(mixed)));
}

TEST_CASE("a prediction feeds on itself: one frame of it is the expectation after the context, the next follows that") {
  Module<Autoregressive<FoldedConvLstm<3>>, float> model{Rng{1}};
  model->context_frames = 1;
  const auto clips = batch_of(squares(6), 0, 3), context = slice(clips, 1, 0, 4);
  const auto two = model->predict(context, 2);
  CHECK(two.shape() == Shape{3, 2, 12, 12, 1});
  const auto one = model->predict(context, 1);
  CHECK(to_vector(one) == to_vector(slice(two, 1, 0, 1)));
  CHECK(flipbook::detail::relative_difference(cast<double>(model->predict(concat(1, context, one), 1)),
                                              cast<double>(slice(two, 1, 1, 2))) < 1e-5);
}

TEST_CASE("samples are drawn from the seed, and may begin from nothing") {
  Module<Autoregressive<FoldedConvLstm<3>>, float> model{Rng{1}};
  Rng a{5}, b{5}, c{6};
  const Tensor<float> nothing({2, 0, 12, 12, 1});
  const auto first = model->sample(nothing, 3, a);
  CHECK(first.shape() == Shape{2, 3, 12, 12, 1});
  CHECK(to_vector(first) == to_vector(model->sample(nothing, 3, b)));
  CHECK(to_vector(first) != to_vector(model->sample(nothing, 3, c)));
  for (const float v : first) CHECK((v == 0 || v == 1));
}

TEST_CASE("open loop and teacher forcing agree on the first frame after the context") {
  Module<Autoregressive<FoldedConvLstm<3>>, double> model{Rng{1}};
  model->context_frames = 1;
  const auto clips = cast<double>(batch_of(squares(5), 0, 2));
  const auto open = model->open_loop_log_likelihood(clips, 4);
  model->context_frames = 4;
  CHECK(flipbook::detail::relative_difference(open, model->log_likelihood(clips)) < 1e-12);
}

TEST_CASE("the gradient of the loss is exact, with teacher forcing and with frames of its own") {
  Module<Autoregressive<FoldedConvLstm<2>>, double> model{Rng{1}};
  const auto clips = cast<double>(batch_of(squares(4), 0, 2));
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape.constant(clips)); }) < 1e-6);
  model->context_frames = 1;
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape.constant(clips)); }) < 1e-6);
}

TEST_CASE("frames of its own change the loss of scheduled sampling, and none leave it as it is") {
  Module<Autoregressive<FoldedConvLstm<2>>, double> model{Rng{1}};
  const auto clips = cast<double>(batch_of(squares(6), 0, 4));
  const auto loss = [&](double own) {
    model->scheduled_sampling = own;
    Tape tape{Rng{3}};
    return model->loss(tape.constant(clips)).item();
  };
  CHECK(loss(1e-12) == doctest::Approx(loss(0)).epsilon(1e-12));
  CHECK(std::abs(loss(0.5) - loss(0)) > 1e-6);
  Tape tape{Rng{3}};  // an evaluated model sees true frames alone, as one of tensors
  model->scheduled_sampling = 0.5;
  const auto evaluated = evaluating([&](const auto& x) { return model->loss(x); })(tape.constant(clips));
  CHECK(evaluated.item() == doctest::Approx(loss(0)).epsilon(1e-12));
}

TEST_CASE("gradients pass through a model's own frames to the steps that made them, where it is told so") {
  Module<Autoregressive<FoldedConvLstm<2>>, double> model{Rng{1}};
  model->context_frames = 1, model->scheduled_sampling = 0.7;
  const auto clips = cast<double>(batch_of(squares(5), 0, 2));
  const auto error = [&] {
    return parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape.constant(clips)); });
  };
  CHECK(error() > 1e-4);  // what is fed counts as data
  model->through_own_frames = true;
  CHECK(error() < 1e-6);
}

TEST_CASE("clips without a frame to predict are refused") {
  Module<Autoregressive<FoldedConvLstm<2>>, float> model{Rng{1}};
  model->context_frames = 5;
  CHECK_THROWS_WITH_AS(
      model->log_likelihood(Tensor<float>({1, 5, 12, 12, 1})),
      "Autoregressive: clips (1, 5, 12, 12, 1) of which 5 frames are given: needs (N, T, …, C) with more frames "
      "than that",
      Error);
  CHECK_THROWS_AS(model->predict(Tensor<float>({1, 0, 12, 12, 1}), 1), Error);
}

TEST_CASE("clips of one frame, of none, or of other channels are refused by name") {
  Module<Autoregressive<FoldedConvLstm<2>>, float> model{Rng{1}};
  CHECK_THROWS_WITH_AS(model->loss(Tensor<float>({2, 1, 12, 12, 1})), doctest::Contains("have one frame"), Error);
  CHECK_THROWS_WITH_AS(model->loss(Tensor<float>({0, 4, 12, 12, 1})), doctest::Contains("a batch of no clips"), Error);
  CHECK_THROWS_WITH_AS(model->loss(Tensor<float>({2, 4, 12, 12, 3})),
                       "Autoregressive: clips of shape (2, 4, 12, 12, 3) have 3 channels; its network takes 1", Error);
  CHECK_THROWS_WITH_AS(model->predict(Tensor<float>({2, 4, 12, 12, 3}), 2), doctest::Contains("have 3 channels"),
                       Error);
  CHECK(model->predict(full<float>({2, 1, 12, 12, 1}, 0.5F), 2).shape() == Shape{2, 2, 12, 12, 1});
}
