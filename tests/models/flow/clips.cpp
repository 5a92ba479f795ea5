// SPDX-License-Identifier: MIT
#include <flipbook/nn/unet.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <flipbook/models/flow/flow.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>
#include <flipbook/train/weights.hpp>

using namespace flipbook;
using namespace flipbook::nn;

namespace {

using SmallUNet = UNet<3, 1,
                       UNetOptions{.widths = {8, 16},
                                   .attention = {Attend::time, Attend::space_time},
                                   .kernel = {1, 3, 3},
                                   .patch = {1, 2, 2},
                                   .groups = 4,
                                   .heads = 2,
                                   .level = 8,
                                   .condition = 3}>;
using SmallTransformer =
    SpaceTimeTransformer<1, SpaceTimeOptions{.width = 8, .blocks = 1, .heads = 2, .expansion = 2, .condition = 3}>;
using Forcing = Flow<SmallUNet, flow::Straight, flow::LevelPerFrame>;

/// A network whose last layer, which is 0 at first, and all others are moved away from where they began.
template <class Net>
Module<Net, double> moved() {
  Module<Net, double> net{Rng{1}};
  Rng rng{2};
  Tensor<double> parameters = net.parameters();
  const auto by = normal<double>(parameters.shape(), rng);
  for (Index i = 0; i < by.size(); ++i) parameters.data()[i] += 0.1 * by.data()[i];
  return net;
}

double largest(const Tensor<double>& x) {
  const auto most = abs(x);
  return *std::max_element(most.begin(), most.end());
}

/// A bright square of 4×4 pixels that moves down by one a frame: (1, frames, 8, 8, 1) in [0, 1].
Tensor<double> falling_square(Index frames) {
  auto clip = zeros<double>({1, frames, 8, 8, 1});
  for (Index t = 0; t < frames; ++t) {
    for (Index y = t; y < t + 4; ++y) std::fill_n(clip.data() + (t * 8 + y) * 8 + 2, 4, 1.0);
  }
  return clip;
}

}  // namespace

TEST_CASE_TEMPLATE("the gradient of networks of noise levels is exact along any direction", Net, SmallUNet,
                   SmallTransformer) {
  Module<Net, double> net = moved<Net>();
  Rng rng{3};
  const auto x = normal<double>({2, 3, 8, 8, 1}, rng), up = normal<double>({2, 3, 8, 8, 1}, rng);
  const auto level = uniform<double>({2, 3}, rng), condition = normal<double>({2, 3}, rng);
  const auto loss = [&](Tape& tape) {
    return sum(net(tape.constant(x), tape.constant(level), tape.constant(condition)) * up);
  };
  Tape tape{net};
  const auto gradient = tape.gradient(loss(tape), net);
  Tensor<double> parameters = net.parameters();
  for (int i = 0; i < 3; ++i) {
    const auto direction = normal<double>(parameters.shape(), rng);
    const auto begin = parameters.clone();
    double value[2];
    for (const int side : {0, 1}) {
      const double step = side == 1 ? 1e-5 : -1e-5;
      for (Index k = 0; k < begin.size(); ++k) parameters.data()[k] = begin.data()[k] + step * direction.data()[k];
      Tape plain;
      value[side] = loss(plain).item();
    }
    std::copy(begin.begin(), begin.end(), parameters.begin());
    CHECK((value[1] - value[0]) / 2e-5 == doctest::Approx(sum(gradient * direction).item()).epsilon(1e-6));
  }
}

TEST_CASE_TEMPLATE("levels for each frame that are all the same are one level, and a condition of zeros is none", Net,
                   SmallUNet, SmallTransformer) {
  const Module<Net, double> net = moved<Net>();
  Rng rng{4};
  const auto x = normal<double>({2, 3, 8, 8, 1}, rng), condition = normal<double>({2, 3}, rng);
  const Tensor<double> one({2}, {0.2, 0.7}), each({2, 3}, {0.2, 0.2, 0.2, 0.7, 0.7, 0.7});
  const auto y = net(x, one, condition);
  CHECK(y.shape() == x.shape());
  CHECK(largest(y - net(x, each, condition)) < 1e-12);
  CHECK(largest(y - net(x, Tensor<double>({2, 3}, {0.2, 0.2, 0.2, 0.7, 0.7, 0.1}), condition)) > 1e-6);
  CHECK(largest(net(x, one) - net(x, one, zeros<double>({2, 3}))) < 1e-12);
  CHECK(largest(y - net(x, one)) > 1e-6);
  CHECK_THROWS_AS(net(x, one, ones<double>({2, 4})), Error);
}

TEST_CASE("a U-Net refuses extents that cannot be halved") {
  const Module<SmallUNet, double> net{Rng{1}};
  CHECK_THROWS_WITH_AS(net(zeros<double>({1, 2, 8, 6, 1}), zeros<double>({1})),
                       "UNet: input (1, 2, 8, 6, 1); needs (N, T, H, W, C), H divisible by 4 and W by 4", Error);
}

TEST_CASE("diffusion forcing learns one clip: it makes it anew, and continues it from its first frames") {
  Module<Forcing, double> model{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  const auto clip = falling_square(4);
  const auto batch = concat(0, List<Tensor<double>>(4, clip));
  constexpr int steps = 300;
  for (int i = 0; i < steps; ++i) {
    adam.rule.learning_rate = 1e-2 * std::min(1.0, 2.0 * (steps - i) / steps);
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(batch)); });
  }
  const flow::Sampling how{.integration = {.solver = flow::Solver::euler, .steps = 8}, .window = 4};
  const auto error = [](const Tensor<double>& x, const Tensor<double>& y) { return mean(abs(x - y)).item(); };
  CHECK(error(model->sample(clip.shape(), rng, how), clip) < 0.12);  // of noise it is 0.5
  const auto context = slice(clip, 1, 0, 2);
  CHECK(error(model->sample(context, 2, rng, how), slice(clip, 1, 2, 4)) < 0.12);
  CHECK(model->sample(context, 7, rng, how).shape() == Shape{1, 7, 8, 8, 1});

  const auto path = std::filesystem::temp_directory_path() / "flipbook_flow.safetensors";
  save_weights(path, model);
  Module<Forcing, double> loaded{Rng{9}};
  load_weights(path, loaded);
  std::filesystem::remove(path);
  Rng one{5}, other{5};
  CHECK(to_vector(model->sample(clip.shape(), one, how)) == to_vector(loaded->sample(clip.shape(), other, how)));
}
