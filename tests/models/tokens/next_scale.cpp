// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/next_scale.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include <flipbook/models/tokens/scale_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/testing/gradients.hpp>
#include <flipbook/train/train_step.hpp>

#include "lit.hpp"
#include "ops/tensors.hpp"

using namespace flipbook;
using test::difference;
using test::same;

namespace {

using Codes = Tensor<std::int32_t>;
using Four = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 2, 1}, Extent{1, 2, 1}, Extent{2, 2, 3}>;  // 1 + 2 + 2 + 12
using Network = ScaleTransformer<5, Four, 16, 2, 2, 2>;  // of 5 tokens, after one of 2 that are given
using Tiny = NextScale<Network>;
constexpr Index length = 17;

/// Sequences (n, 1 + places) of random tokens after token 5 or 6.
Codes drawn(Index n, Rng& rng, Index places = length) {
  Codes tokens({n, 1 + places});
  for (Index i = 0; i < tokens.size(); ++i) {
    tokens.data()[i] = static_cast<std::int32_t>(i % (1 + places) == 0 ? 5 + rng.below(2) : rng.below(5));
  }
  return tokens;
}
template <class T>
constexpr double rounding = std::is_same_v<T, float> ? 1e-5 : 1e-13;

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

/// Two tokens at one place and then at two: 2³ sequences after token 2.
using Pair = NextScale<ScaleTransformer<2, quantizer::Scales<Extent{1, 1, 1}, Extent{1, 1, 2}>, 8, 1, 2, 1>>;
Codes all_sequences() {
  Codes all({8, 4});
  for (Index i = 0; i < 8; ++i) {
    all.data()[4 * i] = 2;
    for (Index at = 0; at < 3; ++at) all.data()[4 * i + 1 + at] = static_cast<std::int32_t>(i >> (2 - at) & 1);
  }
  return all;
}
/// How often each of the 8 sequences is drawn.
std::array<double, 8> shares(const Codes& sequences) {
  std::array<double, 8> share{};
  const Index n = sequences.extent(0);
  for (Index i = 0; i < n; ++i) {
    const std::int32_t* s = sequences.data() + 3 * i;
    share[static_cast<std::size_t>(4 * s[0] + 2 * s[1] + s[2])] += 1.0 / static_cast<double>(n);
  }
  return share;
}

}  // namespace

TEST_CASE_TEMPLATE("logits of a scale depend on coarser scales and the given token, and on no token of its own", T,
                   float, double) {
  const Module<Tiny, T> model{Rng{1}};
  Rng rng{2};
  const auto tokens = drawn(2, rng);
  const auto logits = model->network(tokens);
  REQUIRE(logits.shape() == Shape{2, length, 5});
  const std::array<Index, 5> first_seen_by{0, 1, 3, 5, 17};  // of the tokens of each scale, the given one first
  for (Index at = 0; at <= length; ++at) {
    auto changed = tokens.clone();
    changed.data()[at] = at == 0 ? 11 - changed.data()[at] : (changed.data()[at] + 1) % 5;
    const auto after = model->network(changed);
    const std::size_t scale = at == 0 ? 0 : at < 2 ? 1 : at < 4 ? 2 : at < 6 ? 3 : 4;
    const Index from = first_seen_by[scale];
    for (Index i = 0; i < length; ++i) {
      CHECK(same(logits[0].slice(i, i + 1), after[0].slice(i, i + 1)) == (i < from));
    }
    CHECK(same(logits[1], after[1]));  // another sequence
  }
}

TEST_CASE_TEMPLATE("scale by scale, with keys and values kept, logits are those of the whole pass", T, float, double) {
  const Module<Tiny, T> model{Rng{1}};
  Rng rng{2};
  const auto tokens = drawn(3, rng);
  const auto whole = model->network(tokens);
  typename Of<Network, T, Cpu>::State state{};
  for (int k = 0; k < 4; ++k) {
    const Index end = 1 + Four::places_of_first(k);
    const auto last = slice(tokens, 1, k == 0 ? 0 : end - Four::places(k - 1), end);
    const auto logits = model->network.next(last, state);
    CHECK(difference(logits, slice(whole, 1, end - 1, end - 1 + Four::places(k))) < rounding<T>);
    const auto some = model->network(slice(tokens, 1, 0, end + Four::places(k)));  // sequences that end here
    CHECK(difference(some, slice(whole, 1, 0, some.extent(1))) < rounding<T>);
  }
  CHECK_THROWS_WITH_AS(model->network.next(slice(tokens, 1, 6, 18), state),
                       "ScaleTransformer: tokens (3, 12) before scale 4 of 4", Error);
}

TEST_CASE("what comes in at a scale is the sum of coarser ones, between their places and over blocks") {
  const Module<Tiny, double> model{Rng{1}};
  const auto& network = model->network;
  Rng rng{2};
  const auto tokens = drawn(1, rng);
  const auto embedded = network.embed(tokens);  // (1, 18, 16)
  const auto grid = [&](Index first, Index last, const Shape& shape) {
    return slice(embedded, 1, first, last).reshape(shape);
  };
  const auto one = resize_linear(grid(1, 2, {1, 1, 1, 1, 16}), Extent{2, 2, 3});
  const auto two = resize_linear(grid(2, 4, {1, 1, 2, 1, 16}), Extent{2, 2, 3});
  const auto three = resize_linear(grid(4, 6, {1, 1, 2, 1, 16}), Extent{2, 2, 3});
  const auto inputs =
      concat(1, embedded[0].slice(0, 1).reshape({1, 1, 16}), avg_pool(one, Extent{2, 1, 3}).reshape({1, 2, 16}),
             avg_pool(one + two, Extent{2, 1, 3}).reshape({1, 2, 16}), (one + two + three).reshape({1, 12, 16}));
  const Codes scales({17}, {0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3});
  const auto x = network.position(inputs + network.scale(scales));
  auto mask = zeros<double>({17, 17});
  for (Index i = 0; i < 289; ++i) {
    if (scales.data()[i / 17] < scales.data()[i % 17]) mask.data()[i] = -1e30;
  }
  CHECK(difference(network.head(network.norm(network.blocks(x, mask))), network(tokens)) < 1e-12);
}

TEST_CASE("the probabilities of all sequences sum to one, and those of coarse scales are what is left of them") {
  const Module<Pair, double> model{Rng{1}};
  const auto all = all_sequences();
  const auto p = exp(model->log_likelihood(all));
  CHECK(sum(p).item() == doctest::Approx(1).epsilon(1e-12));
  const auto of_first = exp(model->log_likelihood(slice(all, 1, 0, 2)));
  for (Index first : {0, 1}) {
    CHECK(sum(p.slice(4 * first, 4 * first + 4)).item() == doctest::Approx(of_first.data()[4 * first]).epsilon(1e-12));
  }
}

TEST_CASE("sequences are drawn as often as they are likely, and those that follow on known scales too") {
  Module<Pair, float> model{Rng{1}};
  Optimizer adam{optim::Adam{.learning_rate = 1e-2}, model.parameters()};
  // 000 of ten five times, 011 twice, 101 three times: the two places of 0 depend on each other, which is not learned.
  Codes tokens({10, 4});
  for (Index i = 0; i < 10; ++i) {
    const std::array<std::int32_t, 4> row = i < 5   ? std::array{2, 0, 0, 0}
                                            : i < 7 ? std::array{2, 0, 1, 1}
                                                    : std::array{2, 1, 0, 1};
    std::copy(row.begin(), row.end(), tokens.data() + 4 * i);
  }
  Rng rng{2};
  for (int i = 0; i < 500; ++i) {
    adam.rule.learning_rate = i < 400 ? 1e-2 : 1e-3;
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape, tokens); });
  }
  const auto p = exp(model->log_likelihood(all_sequences()));
  constexpr Index count = 20000;
  const auto begin = full<std::int32_t>({count, 1}, 2);
  const auto drawn = shares(model->sample(begin, 3, rng));
  for (std::size_t i = 0; i < 8; ++i) {  // the deviation of a share is below 0.0036
    CHECK(std::abs(drawn[i] - double(p.data()[i])) < 0.015);
  }
  const double seven = 0.7 * 5 / 7 * 5 / 7;  // independent places of what begins with 0
  CHECK(double(p.data()[0]) == doctest::Approx(seven).epsilon(0.05));
  CHECK(double(p.data()[5]) == doctest::Approx(0.3).epsilon(0.05));

  const auto known = concat(1, begin, full<std::int32_t>({count, 1}, 0));
  const auto rest = shares(concat(1, full<std::int32_t>({count, 1}, 0), model->sample(known, 2, rng)));
  const double zero = double(sum(p.slice(0, 4)).item());
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(rest[i] - double(p.data()[i]) / zero) < 0.015);
  const auto likeliest = shares(model->sample(begin, 3, rng, {.top_k = 1}));
  CHECK(likeliest[0] == doctest::Approx(1));
}

TEST_CASE("the loss is the likelihood in nats per token, with an exact gradient") {
  Module<Tiny, double> model{Rng{3}};
  model->condition_dropout = 0;
  Rng rng{4};
  const auto tokens = drawn(2, rng);
  Tape tape{model};
  CHECK(model->loss(tape, tokens).item() ==
        doctest::Approx(-mean(model->log_likelihood(tokens)).item() / length).epsilon(1e-12));
  CHECK(parameter_gradient_error(model, [&](Tape& t) { return model->loss(t, tokens); }) < 1e-6);
}

TEST_CASE_TEMPLATE("one sequence is learned by heart, and given back from any scale on", T, float, double) {
  Rng rng{5};
  const auto tokens = drawn(1, rng);
  const auto model = trained_on<T>(tokens, 120);
  for (const Index known : {0, 1, 3, 5}) {
    CHECK(same(model->sample(slice(tokens, 1, 0, 1 + known), length - known, rng, {.top_k = 1}),
               slice(tokens, 1, 1 + known, 1 + length)));
  }
  CHECK(same(model->sample(slice(tokens, 1, 0, 2), 4, rng, {.top_k = 1}), slice(tokens, 1, 2, 6)));
}

TEST_CASE_TEMPLATE("a seed gives the same bits with any number of threads, and so do weights that were saved", T, float,
                   double) {
  Rng rng{6};
  const auto tokens = drawn(6, rng);
  test::check_reproducible<Tiny, T>(
      "next_scale", [&] { return trained_on<T>(tokens, 5); },
      [&](const auto& model, Rng& stream) {
        return model->sample(slice(tokens, 1, 0, 1), length, stream, {.temperature = 1.2});
      });
}

TEST_CASE("tokens of parts of a scale, or not of the vocabulary, are refused") {
  const Module<Tiny, float> model{Rng{3}};
  Rng rng{4};
  Tape tape{model};
  CHECK_THROWS_WITH_AS(model->loss(tape, drawn(2, rng, 2)),
                       "ScaleTransformer: needs (N, 1 + L) tokens of whole scales, at most 18, got (2, 3)", Error);
  CHECK_THROWS_WITH_AS(model->loss(tape, Codes({1, 1}, {5})),
                       "NextScale: needs (N, 1 + L) of at least two tokens, got (1, 1)", Error);
  CHECK_THROWS_AS(model->loss(tape, Codes({1, 2}, {5, 5})), Error);
  CHECK_THROWS_AS(model->loss(tape, Codes({1, 2}, {7, 1})), Error);
  CHECK_THROWS_AS(model->log_likelihood(Codes({1, 2}, {5, 5})), Error);
  const auto begin = Codes({1, 1}, {5});
  CHECK_THROWS_WITH_AS(model->sample(begin, 2, rng),
                       "NextScale: 2 tokens after (1, 1); needs those of whole scales, 17 in all", Error);
  CHECK_THROWS_AS(model->sample(begin, 0, rng), Error);
  CHECK_THROWS_AS(model->sample(begin, 18, rng), Error);
  CHECK_THROWS_AS(model->sample(drawn(1, rng, 2), 1, rng), Error);
  CHECK_THROWS_AS(model->sample(begin, 17, rng, {.temperature = 0}), Error);
}
