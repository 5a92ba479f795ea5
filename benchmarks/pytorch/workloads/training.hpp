// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

namespace flipbook::benchmark {

/// The call that makes a step of training of a new model, always on this batch.
template <class Model, class T, class B, class Batch>
std::function<void()> training_step(const Batch& batch, const optim::Adam& rule = {.learning_rate = 1e-3}) {
  const auto trainer = std::make_shared<Trainer<Model, T, B, optim::Adam>>(Module<Model, T, B>{Rng{0}}, rule);
  return [=] { trainer->step(batch); };
}

}  // namespace flipbook::benchmark
