// SPDX-License-Identifier: MIT
#include "ranks.hpp"

#include <flipbook/models/gan/gan.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>

using namespace flipbook::nn;

namespace {

using Painter = Sequential<Linear<4, 16>, BatchNorm<16>, ReLU, Linear<16, numbers>, Sigmoid, Unflatten<2, 6, 6, 3>>;
using Critic = Sequential<Flatten, Linear<numbers, 16>, BatchNorm<16>, LeakyReLU<0.2>, Linear<16, 1>>;

}  // namespace

TEST_CASE("both players of a game learn as in one process, batch normalisation of the whole batch included") {
  check_equal_to_one_process<Gan<Painter, Critic>>(shapes, optim::Adam{.learning_rate = 1e-2, .beta1 = 0.5});
}

TEST_CASE("a penalty on a gradient goes through batch normalisation of the whole batch") {
  check_equal_to_one_process<Gan<Painter, Critic, loss::Wasserstein, regulariser::GradientPenalty<>>>(shapes);
}

TEST_CASE("without synchronisation each rank normalises by its part, and buffers stay alike") {
  ranks().synchronise_batch_norm = false;
  auto trainer = new_trainer<Gan<Painter, Critic>>();
  take_steps(trainer, shapes, 3);
  CHECK(same_on_all_ranks(trainer.model.parameters()));
  CHECK(same_on_all_ranks(trainer.model.buffers()));
  ranks().synchronise_batch_norm = true;
}
