// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/models/autoregressive/networks.hpp>
#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

using namespace flipbook;

namespace {

using Tiny = TokenTransformer<7, 16, 2, 2, 16>;

/// Sequences that count up by 1 or by 2, modulo 7: (N, length).
Tensor<std::int32_t> counting(Index n, Index length, Rng& rng) {
  Tensor<std::int32_t> tokens({n, length});
  for (Index i = 0; i < n; ++i) {
    const Index start = rng.below(7), step = 1 + rng.below(2);
    for (Index t = 0; t < length; ++t)
      tokens.data()[i * length + t] = static_cast<std::int32_t>((start + step * t) % 7);
  }
  return tokens;
}

}  // namespace

TEST_CASE("a transformer over patches predicts moving sprites better than the last frame repeated") {
  const MovingSprites source{full<std::uint8_t>({1, 4, 4}, 255),
                             {.frames = 8, .canvas = 12, .sprites = 1, .step = 0.25, .seed = 3}};
  Module<Autoregressive<PatchTransformer<1, 4, 48, 2, 4>>, float> model{Rng{1}};
  model->context_frames = 1;
  Optimizer adam{optim::Adam{.learning_rate = 3e-3}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < 400; ++i) {
    const auto clips = batch_of(source, 16 * i, 16);
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape.constant(clips)); }, {.clip_norm = 5});
  }
  const auto unseen = batch_of(source, 1'000'000, 64);
  model->context_frames = 4;
  const double learned = -double(mean(model->log_likelihood(unseen)).item()) / 4;
  const auto last = slice(unseen, 1, 3, 7), next = slice(unseen, 1, 4, 8);
  double repeated = 1e9;
  for (double certainty = 0.5; certainty < 6; certainty += 0.25) {
    const auto logits = affine(last, 2 * certainty, -certainty);
    repeated = std::min(repeated, -double(mean(likelihood::Bernoulli::log_prob(logits, next)).item()) / 4);
  }
  MESSAGE(learned << " nats per frame, " << repeated << " by repeating");
  CHECK(learned < 0.8 * repeated);
}

TEST_CASE("frames one by one, with keys and values kept, give what whole clips give") {
  Module<Autoregressive<PatchTransformer<1, 4, 16, 2, 2>>, double> model{Rng{1}};
  Rng rng{2};
  const auto clips = uniform<double>({2, 5, 8, 12, 1}, rng);
  const auto whole = model->network(clips);
  const auto frames = unstack(clips, 1);
  auto state = model->network.start(frames[0]);
  for (std::size_t t = 0; t < frames.size(); ++t) {
    const auto one = model->network.step(frames[t], state);
    const auto expected = unstack(whole, 1)[t];
    CHECK(flipbook::detail::relative_difference(one, expected) < 1e-12);
  }
}

TEST_CASE("a transformer over tokens learns to count") {
  Module<Tiny, float> model{Rng{1}};
  Optimizer adam{optim::AdamW{.learning_rate = 3e-3}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < 300; ++i) {
    const auto tokens = counting(32, 10, rng);
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape, tokens); });
  }
  const auto tokens = counting(20, 10, rng);
  // All but the second token of ten are certain: log 2 in all.
  CHECK(-double(mean(model->log_likelihood(tokens)).item()) < std::log(2.0) + 0.6);
  Tensor<std::int32_t> prefix({20, 3});
  for (Index n = 0; n < 20; ++n) std::copy_n(tokens.data() + n * 10, 3, prefix.data() + n * 3);
  const auto drawn = model->sample(prefix, 7, rng);
  int right = 0;
  for (Index n = 0; n < 20; ++n) {
    for (Index t = 0; t < 7; ++t) right += drawn.data()[n * 7 + t] == tokens.data()[n * 10 + 3 + t];
  }
  CHECK(right > 120);
}

TEST_CASE("the likelihood of tokens does not know later tokens, and its gradient is exact") {
  Module<Tiny, double> model{Rng{3}};
  Rng rng{4};
  const auto tokens = counting(2, 6, rng);
  auto changed = tokens.clone();
  changed.data()[5] = (changed.data()[5] + 3) % 7;
  const auto a = model(tokens), b = model(changed);
  CHECK(to_vector(a[0].slice(0, 5)) == to_vector(b[0].slice(0, 5)));
  CHECK(to_vector(a[0].slice(5, 6)) != to_vector(b[0].slice(5, 6)));
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape, tokens); }) < 1e-6);
}

TEST_CASE("tokens that are too few or too many are refused") {
  Module<Tiny, float> model{Rng{3}};
  Rng rng{4};
  CHECK_THROWS_WITH_AS(model->log_likelihood(Tensor<std::int32_t>({2, 1}, {0, 0})),
                       "TokenTransformer: needs (N, L) of at least two tokens, got (2, 1)", Error);
  CHECK_THROWS_AS(model->sample(counting(1, 4, rng), 20, rng), Error);
}
