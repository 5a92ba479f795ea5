// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

#include "agree.hpp"

namespace flipbook::test {

/// Ten steps of training on both backends: each reports the losses that the CPU reports. Most of those on the device
/// are replays of captured graphs.
/// @param draw     the batch of a step, in double on the CPU: clips, or an annotated clip
/// @param prepare  what is done to a new model
template <class Net, class Draw, class Prepare>
void training_follows(const Draw& draw, const Prepare& prepare) {
  const auto on_device = [](const auto& batch) {
    return map_members(batch, [](const Tensor<double>& x) { return to<Cuda>(x); });
  };
  auto here = Trainer{Module<Net, double>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}, 3};
  auto there = Trainer{Module<Net, double, Cuda>{Rng{1}}, optim::Adam{.learning_rate = 1e-3}, 3};
  prepare(here.model), prepare(there.model);
  here.keep_average(0.9), there.keep_average(0.9);
  for (int step = 0; step < 10; ++step) {
    const auto batch = draw(step);
    const auto expected = here.step(batch, {.clip_norm = 1}), got = there.step(on_device(batch), {.clip_norm = 1});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(got[i].first == expected[i].first);
      CHECK(got[i].second == doctest::Approx(expected[i].second).epsilon(1e-6));
    }
  }
  CHECK(there.captured());
  const auto average = [](auto& trainer) {
    return trainer.with_average([&] { return to<Cpu>(trainer.model.parameters()).clone(); });
  };
  CHECK(difference(average(there), average(here)) < 1e-5);

  // A step of several parts, of which the device leaves some out, is taken back as a whole.
  const auto parameters = to_vector(there.model.parameters()), buffers = to_vector(there.model.buffers());
  const auto bad = map_members(draw(0), [](const Tensor<double>& x) { return full<double>(x.shape(), NAN); });
  CHECK_THROWS_AS(there.step(on_device(bad), {.clip_norm = 1}), NotFinite);
  CHECK(to_vector(there.model.parameters()) == parameters);
  CHECK(to_vector(there.model.buffers()) == buffers);
}
template <class Net>
void training_follows(const Shape& shape) {
  training_follows<Net>([&](int step) { return sigmoid(random<double>(shape, static_cast<std::uint64_t>(step))); },
                        [](const auto&) {});
}

}  // namespace flipbook::test
