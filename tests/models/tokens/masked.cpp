// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/masked.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include <flipbook/models/tokens/masked_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/train_step.hpp>

#include "lit.hpp"

using namespace flipbook;
using test::same;

namespace {

using Codes = Tensor<std::int32_t>;
using Tiny = Masked<MaskedTransformer<5, 16, 2, 2, 8, 2>>;  // 8 places of 5 tokens, after one of 2 that are given

/// Sequences (n, 1 + places) of random tokens after token 5.
Codes drawn(Index n, Index places, Rng& rng) {
  Codes tokens({n, 1 + places});
  for (Index i = 0; i < tokens.size(); ++i) {
    tokens.data()[i] = i % (1 + places) == 0 ? 5 : static_cast<std::int32_t>(rng.below(5));
  }
  return tokens;
}

template <class T>
Index masked_of(const Tensor<T>& mask, Index row) {
  Index count = 0;
  for (Index i = 0; i < mask.extent(1); ++i) count += mask.data()[row * mask.extent(1) + i] != 0;
  return count;
}

/// No place, if there were not at least one.
struct NoPlace {
  template <Value X>
  static X share(const X& r) {
    return r * 0;
  }
};

template <class Schedule, class T, class Share>
void check_masks(const Share& share) {
  using Model = Masked<MaskedTransformer<5, 8, 1, 2, 37>, Schedule>;
  const Index n = 500, places = 37;
  Rng rng{3}, again = rng;
  const auto mask = Of<Model, T, Cpu>::draw_mask(n, places, rng);
  const auto r = uniform<T>({n, 1}, again);
  REQUIRE(mask.shape() == Shape{n, places});
  std::array<int, 37> at{};
  int total = 0;
  for (Index i = 0; i < n; ++i) {
    const double expected = std::max(1.0, std::ceil(share(static_cast<double>(r.data()[i])) * 37 - 1e-4));
    CHECK(masked_of(mask, i) == static_cast<Index>(expected));
    for (std::size_t j = 0; j < 37; ++j) {
      const bool masked = mask.data()[i * 37 + static_cast<Index>(j)] != 0;
      at[j] += masked;
      total += masked;
    }
  }
  const double mean = total / 37.0;  // of places alike; the deviation of one is below √(n/4) = 11
  for (const int count : at) CHECK(std::abs(count - mean) < 45);
}

template <class T>
Module<Tiny, T> trained_on(const Codes& tokens, int steps) {
  Module<Tiny, T> model{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < steps; ++i) {
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape, tokens); });
  }
  return model;
}

}  // namespace

TEST_CASE_TEMPLATE("as many places are masked as the schedule says, at least one, and any alike", T, float, double) {
  check_masks<masked::Cosine, T>([](double r) { return std::cos(r * std::numbers::pi / 2); });
  check_masks<masked::Linear, T>([](double r) { return 1 - r; });
  check_masks<masked::Square, T>([](double r) { return 1 - r * r; });
  check_masks<NoPlace, T>([](double) { return 0; });
}

TEST_CASE_TEMPLATE("every place sees every other, but no masked token", T, float, double) {
  Module<Tiny, T> model{Rng{1}};
  Rng rng{2};
  const auto tokens = drawn(2, 8, rng);
  const auto logits = model->network(tokens);
  REQUIRE(logits.shape() == Shape{2, 9, 5});
  for (const Index at : {Index{1}, Index{8}}) {
    auto changed = tokens.clone();
    changed.data()[at] = (changed.data()[at] + 1) % 5;
    const auto after = model->network(changed);
    for (Index i = 0; i < 9; ++i) CHECK(!same(logits[0].slice(i, i + 1), after[0].slice(i, i + 1)));
    CHECK(same(logits[1], after[1]));  // another sequence

    auto mask = zeros<T>({2, 8});
    mask.data()[at - 1] = 1;
    Tape tape{model};
    model->label_smoothing = 1;  // only the logits matter, not which token is right
    CHECK(model->masked_loss(tape, tokens, mask).item() == model->masked_loss(tape, changed, mask).item());
    model->label_smoothing = 0;
    CHECK(model->masked_loss(tape, tokens, mask).item() != model->masked_loss(tape, changed, mask).item());
  }
}

TEST_CASE_TEMPLATE("the loss is the smoothed cross-entropy of masked places, over all places", T, float, double) {
  Module<Tiny, T> model{Rng{1}};
  model->label_smoothing = 0.2;
  Rng rng{2};
  const auto tokens = drawn(3, 7, rng);
  const auto mask = Of<Tiny, T, Cpu>::draw_mask(3, 7, rng);
  auto seen = tokens.clone();
  for (Index i = 0; i < 21; ++i) {
    if (mask.data()[i] != 0) seen.data()[i / 7 * 8 + 1 + i % 7] = 7;  // after 5 tokens and 2 that are given
  }
  const auto log_p = log_softmax(model->network(seen));  // (3, 8, 5)
  double expected = 0;
  for (Index i = 0; i < 21; ++i) {
    if (mask.data()[i] == 0) continue;
    const Index place = i / 7 * 8 + 1 + i % 7;
    expected -= 0.8 * static_cast<double>(log_p.data()[place * 5 + tokens.data()[place]]);
    for (Index k = 0; k < 5; ++k) expected -= 0.2 / 5 * static_cast<double>(log_p.data()[place * 5 + k]);
  }
  Tape tape{model};
  CHECK(static_cast<double>(model->masked_loss(tape, tokens, mask).item()) ==
        doctest::Approx(expected / 21).epsilon(1e-5));
}

TEST_CASE("the gradient of the loss is exact, with masks that are given and with those of the tape") {
  const Module<Tiny, double> model{Rng{3}};
  Rng rng{4};
  const auto tokens = drawn(2, 8, rng);
  const auto mask = Of<Tiny, double, Cpu>::draw_mask(2, 8, rng);
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->masked_loss(tape, tokens, mask); }) < 1e-6);
  CHECK(parameter_gradient_error(model, [&](Tape& tape) { return model->loss(tape, tokens); }) < 1e-6);
}

TEST_CASE_TEMPLATE("known tokens stay, and masked ones become tokens of the vocabulary", T, float, double) {
  const Module<Tiny, T> model{Rng{1}};
  Rng rng{2};
  const auto tokens = drawn(4, 8, rng);
  for (const Index steps : {1, 3, 8, 100}) {
    const auto mask = pad(Of<Tiny, T, Cpu>::draw_mask(4, 8, rng), 1, 1, 0);  // (4, 9), another number for each
    const auto whole = model->inpaint(tokens, mask, rng, {.steps = steps});
    REQUIRE(whole.shape() == tokens.shape());
    bool stays = true, of_vocabulary = true;
    for (Index i = 0; i < tokens.size(); ++i) {
      if (mask.data()[i] == 0) stays = stays && whole.data()[i] == tokens.data()[i];
      else of_vocabulary = of_vocabulary && whole.data()[i] >= 0 && whole.data()[i] < 5;
    }
    CHECK(stays);
    CHECK(of_vocabulary);
    CHECK(model->sample(slice(tokens, 1, 0, 4), 5, rng, {.steps = steps}).shape() == Shape{4, 5});
  }
}

TEST_CASE_TEMPLATE("one sequence is learned by heart, and given back in one step or several", T, float, double) {
  Rng rng{5};
  const auto tokens = drawn(1, 8, rng);
  const auto model = trained_on<T>(tokens, 150);
  const auto all = slice(tokens, 1, 1, 9);
  for (const Index steps : {1, 3, 8}) {
    const masked::Sampling how{.steps = steps, .tokens = {.top_k = 1}};
    CHECK(same(model->sample(slice(tokens, 1, 0, 1), 8, rng, how), all));
    CHECK(same(model->sample(slice(tokens, 1, 0, 4), 5, rng, how), slice(tokens, 1, 4, 9)));
  }
}

TEST_CASE("of two places that are always alike, one step knows nothing, and two draw as often as was learned") {
  using Pair = Masked<MaskedTransformer<2, 8, 1, 2, 2, 1>, masked::Linear>;
  Module<Pair, float> model{Rng{1}};
  model->label_smoothing = 0;
  Codes tokens({10, 3});  // seven pairs of 0 and three of 1, after token 2
  for (Index i = 0; i < 30; ++i) tokens.data()[i] = i % 3 == 0 ? 2 : (i / 3 < 7 ? 0 : 1);
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < 600; ++i) {
    adam.rule.learning_rate = i < 400 ? 1e-2 : 1e-3;
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape, tokens); });
  }
  constexpr Index count = 4000;
  const auto shares = [&](const masked::Sampling& how) {
    const auto pairs = model->sample(full<std::int32_t>({count, 1}, 2), 2, rng, how);
    std::array<double, 4> share{};
    for (Index i = 0; i < count; ++i) {
      share[static_cast<std::size_t>(2 * pairs.data()[2 * i] + pairs.data()[2 * i + 1])] += 1.0 / count;
    }
    return share;
  };
  // The deviation of a share of 4000 is below 0.008; the learned 0.7 is right to about 0.02.
  const auto together = shares({.steps = 2, .confidence_temperature = 1e6});
  CHECK(together[0] == doctest::Approx(0.7).epsilon(0.07));
  CHECK(together[3] == doctest::Approx(0.3).epsilon(0.15));
  CHECK(together[1] + together[2] < 0.02);
  const auto apart = shares({.steps = 1, .confidence_temperature = 1e6});
  CHECK(apart[1] + apart[2] == doctest::Approx(2 * 0.7 * 0.3).epsilon(0.1));
  // The likelier of two that were drawn is kept: 1 - 0.3².
  const auto surest = shares({.steps = 2, .confidence_temperature = 0});
  CHECK(surest[0] == doctest::Approx(0.91).epsilon(0.05));
  CHECK(surest[1] + surest[2] < 0.02);
}

TEST_CASE_TEMPLATE("a seed gives the same bits with any number of threads, and so do weights that were saved", T, float,
                   double) {
  Rng rng{6};
  const auto tokens = drawn(6, 8, rng);
  test::check_reproducible<Tiny, T>(
      "masked", [&] { return trained_on<T>(tokens, 5); },
      [&](const auto& model, Rng& stream) { return model->sample(slice(tokens, 1, 0, 2), 7, stream, {.steps = 4}); });
}

TEST_CASE("tokens that are too few, too many or not of the vocabulary, and no steps, are refused") {
  const Module<Tiny, float> model{Rng{3}};
  Rng rng{4};
  Tape tape{model};
  CHECK_THROWS_WITH_AS(model->loss(tape, Codes({2, 1}, {0, 0})),
                       "Masked: needs (N, L) of at least two tokens and at most 9, got (2, 1)", Error);
  CHECK_THROWS_AS(model->loss(tape, Codes({1, 3}, {5, 0, 5})), Error);
  CHECK_THROWS_AS(model->loss(tape, Codes({1, 3}, {7, 0, 1})), Error);
  const auto tokens = drawn(1, 8, rng);
  CHECK_THROWS_WITH_AS(model->sample(tokens, 1, rng),
                       "Masked: 1 tokens after (1, 9); needs (N, L) and at most 9 in all", Error);
  CHECK_THROWS_AS(model->sample(slice(tokens, 1, 0, 1), 8, rng, {.steps = 0}), Error);
  CHECK_THROWS_AS(model->sample(slice(tokens, 1, 0, 1), 8, rng, {.confidence_temperature = -1}), Error);
  CHECK_THROWS_AS(model->inpaint(tokens, zeros<float>({1, 8}), rng), Error);
}
