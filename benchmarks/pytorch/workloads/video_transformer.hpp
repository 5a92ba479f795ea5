// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

#include "workload.hpp"

namespace flipbook::benchmark {

/// The causal transformer over 512 visual tokens, 4 layers of width 256, 8 heads: a step with AdamW on 2 sequences of
/// 1024 tokens, and 256 tokens sampled one by one.
/// @param scale  by how much the training batch is larger
template <class T, class B>
std::vector<Workload> video_transformer_workloads(Index scale = 1) {
  using Model = TokenTransformer<>;
  constexpr Index length = 1024, sampled = 256;
  const Index batch = 2 * scale;
  constexpr double token = 4 * gflop(1, 1, 256, 12 * 256) + gflop(1, 1, 256, 512);
  /// Scores and weighted sums over the causal half of a sequence, for each of its tokens.
  constexpr auto attention = [](double tokens) { return 4 * 2 * gflop(tokens / 2, 1, 256, 1); };

  const auto train = [=] {
    const auto model = std::make_shared<Module<Model, T, B>>(Rng{0});
    const auto optimizer =
        std::make_shared<Optimizer<optim::AdamW, T, B>>(optim::AdamW{.learning_rate = 3e-4}, model->parameters());
    const auto rng = std::make_shared<Rng>(1);
    Tensor<std::int32_t> drawn({batch, length + 1});
    const auto numbers = uniform<float>(drawn.shape(), *rng, 0, 512);
    std::copy(numbers.begin(), numbers.end(), drawn.data());
    const auto tokens = to<B>(drawn);
    return repeated<B>(
        rng, [=] { train_step(*model, *optimizer, *rng, [&](Tape& tape) { return (*model)->loss(tape, tokens); }); });
  };
  const auto sample = [=] {
    const auto model = std::make_shared<Module<Model, T, B>>(Rng{0});
    const auto rng = std::make_shared<Rng>(1);
    return [=] { (*model)->sample(zeros<std::int32_t, B>({1, 1}), sampled, *rng); };
  };
  return {{"video_transformer_step", batch * length, 3 * (token + attention(length)), train},
          {"video_transformer_sample", sampled, token + attention(sampled), sample}};
}

}  // namespace flipbook::benchmark
