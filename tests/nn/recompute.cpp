// SPDX-License-Identifier: MIT
#include <flipbook/nn/recompute.hpp>

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include <flipbook/nn/dropout.hpp>
#include <flipbook/nn/module.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recurrent.hpp>
#include <flipbook/nn/spectral_norm.hpp>
#include <flipbook/nn/transformer.hpp>

#include "initial.hpp"

using namespace flipbook;
using namespace flipbook::nn;
using namespace flipbook::test;

namespace {

using Block = Residual<Linear<6, 24>, BatchNorm<24>, SiLU, Dropout<0.3>, SpectralNorm<Linear<24, 6>>>;
// [recompute]
using Kept = Sequential<Linear<4, 6>, Repeat<3, Block>, Linear<6, 2>>;
using Recomputed = Sequential<Linear<4, 6>, Repeat<3, Recompute<Block>>, Linear<6, 2>>;
// [/recompute]

/// Everything that a step with this module sees: its loss, its gradients by input and parameters, the buffers after it,
/// and the next random number.
template <class Net, class... More>
std::vector<float> step_of(const Tensor<float>& x, const More&... more) {
  const Module<Net, float> module{Rng{1}};
  Tape tape{module, Rng{2}};
  const auto input = tape.variable(x);
  const auto loss = sum(square(module(input, more...)));
  std::vector<float> seen = to_vector(tape.gradient(loss, module, {.retain_graph = true}));
  const auto append = [&](const Tensor<float>& tensor) { seen.insert(seen.end(), tensor.begin(), tensor.end()); };
  append(tape.gradient(loss, input));
  tape.apply_updates();
  append(module.buffers());
  append(loss.value());
  seen.push_back(static_cast<float>(tape.rng().uniform()));
  return seen;
}

/// Bytes that the tape keeps of a run.
template <class Net>
std::size_t kept_by(const Tensor<float>& x) {
  const Module<Net, float> module{Rng{1}};
  Tape tape{module};
  const std::size_t before = HostPool::instance().statistics().in_use;
  const auto loss = sum(module(tape.constant(x)));
  return HostPool::instance().statistics().in_use - before;
}

}  // namespace

TEST_CASE("a recomputed layer has the outputs, gradients, random numbers and buffers of a kept one, to the bit") {
  const auto x = random<float>({5, 4});
  CHECK(step_of<Recomputed>(x) == step_of<Kept>(x));
  CHECK(step_of<Recompute<Recomputed>>(x) == step_of<Kept>(x));
  CHECK(step_of<Recompute<BatchNorm<4>>>(x) == step_of<BatchNorm<4>>(x));
  const Module<Recomputed, float> recomputed{Rng{1}};
  const Module<Kept, float> kept{Rng{1}};
  CHECK(same(recomputed(x), kept(x)));
  CHECK(fields_of(recomputed) == fields_of(kept));
}

TEST_CASE("of a recomputed layer its input alone is kept") {
  const auto x = random<float>({512, 4});
  const std::size_t input = 512 * 6 * sizeof(float);
  CHECK(kept_by<Recomputed>(x) + 3 * 4 * input < kept_by<Kept>(x));  // of each block more than a hidden layer
  CHECK(kept_by<Recomputed>(x) < 6 * input);
}

TEST_CASE("a layer is recomputed with what else it was given: a mask, or a recorded value") {
  using Attending = TransformerBlock<8, 2, TransformerOptions{.causal = Causal::no, .dropout = 0.2}>;
  const auto x = random<float>({2, 5, 8}), mask = random<float>({5, 5}, 3);
  CHECK(step_of<Recompute<Attending>>(x, mask) == step_of<Attending>(x, mask));
  CHECK(step_of<Recompute<Attending>>(x, mask) != step_of<Recompute<Attending>>(x));
}

TEST_CASE("a recomputed layer of a stack goes through sequences whole and step by step") {
  using Cells = Recurrent<GruCell<4, 6>>;
  using Kept = Stack<Cells, Linear<6, 4>>;
  using Recomputed = Stack<Recompute<Cells>, Recompute<Linear<6, 4>>>;
  const auto clips = random<float>({2, 3, 4});
  CHECK(step_of<Recomputed>(clips) == step_of<Kept>(clips));
  const Module<Recomputed, float> recomputed{Rng{1}};
  const Module<Kept, float> kept{Rng{1}};
  const auto first = random<float>({2, 4});
  auto of_recomputed = recomputed->start(first);
  auto of_kept = kept->start(first);
  for (int t = 0; t < 2; ++t) CHECK(same(recomputed->step(first, of_recomputed), kept->step(first, of_kept)));
}

TEST_CASE("what was recomputed and freed says so when it is differentiated again") {
  const Module<Recompute<Linear<2, 2>>, float> module{Rng{1}};
  Tape tape{module};
  const auto loss = sum(module(tape.constant(random<float>({3, 2}))));
  (void)tape.gradient(loss, module);
  CHECK_THROWS_WITH_AS((void)tape.gradient(loss, module), doctest::Contains("retain_graph"), Error);
}
