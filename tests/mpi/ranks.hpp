// SPDX-License-Identifier: MIT
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include <flipbook/data/moving_shapes.hpp>
#include <flipbook/distributed/collectives.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/trainer.hpp>

using namespace flipbook;

/// Clips in a step of all ranks together: 1 to 4 ranks each have a part that is even, so that random numbers are those
/// of one process.
constexpr Index whole_batch = 24;

/// Clips (T, H, W, C) = (2, 6, 6, 3), and how many numbers each has.
inline const MovingShapes shapes({.frames = 2, .canvas = 6, .seed = 5});
inline constexpr int numbers = 2 * 6 * 6 * 3;

inline distributed::Communicator& ranks() { return distributed::world(); }

/// Whether every rank has the same bits.
template <class T>
bool same_on_all_ranks(const Tensor<T>& x) {
  Tensor<T> first = x.clone();
  copy_from_first_rank(first);
  return std::equal(x.begin(), x.end(), first.begin());
}
template <class T>
bool same(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}
template <class T>
double furthest(const Tensor<T>& a, const Tensor<T>& b) {
  double most = 0;
  for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double(a.data()[i]) - double(b.data()[i])));
  return most;
}

template <class Net, class Rule>
auto new_trainer(const Rule& rule) {
  return Trainer{Module<Net, double>{Rng{1}}, rule, 2};
}
template <class Net>
auto new_trainer() {
  return new_trainer<Net>(optim::Adam{.learning_rate = 1e-2});
}

/// Steps on batches of a source, of which each rank takes its part.
template <class Trainer, class Source>
void take_steps(Trainer& trainer, const Source& source, Index steps) {
  const Index parts = ranks().size(), size = whole_batch / parts;
  for (Index i = 0; i < steps; ++i) {
    const auto batch = batch_of(source, (i * parts + ranks().rank()) * size, size);
    (void)trainer.step(map_members(batch, [](const auto& x) { return cast<double>(x); }), {.clip_norm = 10});
  }
}

/// Checks that all ranks together come to what one process comes to with the whole batch, to rounding, and that they
/// repeat the same bits, on every rank.
template <class Net, class Source, class... Rule>
void check_equal_to_one_process(const Source& source, const Rule&... rule) {
  auto alone = new_trainer<Net>(rule...), together = new_trainer<Net>(rule...), again = new_trainer<Net>(rule...);
  {
    const distributed::Use use(distributed::alone);
    take_steps(alone, source, 3);
  }
  take_steps(together, source, 3);
  take_steps(again, source, 3);
  const auto untrained = new_trainer<Net>(rule...);
  CHECK(furthest(alone.model.parameters(), untrained.model.parameters()) > 1e-3);
  CHECK(furthest(alone.model.parameters(), together.model.parameters()) < 1e-6);  // Adam magnifies small gradients
  CHECK(furthest(alone.model.buffers(), together.model.buffers()) < 1e-6);
  CHECK(same_on_all_ranks(together.model.parameters()));
  CHECK(same_on_all_ranks(together.model.buffers()));
  CHECK(same(together.model.parameters(), again.model.parameters()));
  CHECK(furthest(alone.history().table(), together.history().table()) < 1e-6);
}
