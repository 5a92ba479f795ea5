// SPDX-License-Identifier: MIT
#include <flipbook/models/tokens/guidance.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include <flipbook/models/autoregressive/token_transformer.hpp>
#include <flipbook/models/tokens/masked.hpp>
#include <flipbook/models/tokens/masked_transformer.hpp>
#include <flipbook/models/tokens/next_scale.hpp>
#include <flipbook/models/tokens/scale_transformer.hpp>
#include <flipbook/optim/adam.hpp>
#include <flipbook/train/train_step.hpp>

#include "lit.hpp"

using namespace flipbook;
using test::same;

namespace {

using Codes = Tensor<std::int32_t>;
using Scales = quantizer::Scales<Extent{1, 1, 1}, Extent{1, 1, 2}>;

// Three tokens of 2 kinds, after one of `Given`.
template <int Given>
using Causal = TokenTransformer<2, 8, 1, 2, 3, Given>;
template <int Given>
using Unordered = Masked<MaskedTransformer<2, 8, 1, 2, 3, Given>>;
template <int Given>
using Scaled = NextScale<ScaleTransformer<2, Scales, 8, 1, 2, Given>>;

/// How a model draws with guidance; one that fills masked places, one after another in a random order.
template <class Net>
typename Net::Sampling guidance(double w) {
  typename Net::Sampling how;
  if constexpr (requires { how.tokens; }) how = {.steps = 3, .confidence_temperature = 1e6, .tokens = {.guidance = w}};
  else how.guidance = w;
  return how;
}

/// A model of classes whose logits differ.
template <class Net, class T>
Module<Net, T> random_model() {
  Module<Net, T> model{Rng{5}};
  for_each_parameter(model, [](const std::string& name, auto& p) {
    const bool head = name.ends_with("head.weight"), embed = name.ends_with("embed.weight");
    for (T& w : p.value) w *= head ? 5 : embed ? 3 : 1;
  });
  return model;
}

/// Sequence i of the 2³, after a first token: (1, 4).
Codes sequence(int i, std::int32_t first) { return {{1, 4}, {first, i >> 2 & 1, i >> 1 & 1, i & 1}}; }

/// p(k) of two logits, raised to 1 + w with the class and to −w without it, over the sum of both.
double weighted(const double* with, const double* without, int k, double w) {
  const auto p = [](const double* l, int at) { return 1 / (1 + std::exp(l[1 - at] - l[at])); };
  const auto power = [&](int at) { return std::pow(p(with, at), 1 + w) * std::pow(p(without, at), -w); };
  return power(k) / (power(0) + power(1));
}

/// The product of what each token of sequence i is drawn by, whose places see no later ones.
template <class Net>
double probability(const Module<Net, double>& model, std::int32_t first, int i, double w) {
  const auto logits = [&](std::int32_t begin) {
    const Codes tokens = sequence(i, begin);
    if constexpr (requires { model->network; }) return model->network(tokens);  // (1, 3, 2)
    else return (*model.operator->())(slice(tokens, 1, 0, 3));
  };
  const auto with = logits(first), without = logits(Net::null_class);
  double p = 1;
  for (int at = 0; at < 3; ++at) p *= weighted(with.data() + 2 * at, without.data() + 2 * at, i >> (2 - at) & 1, w);
  return p;
}
/// The same of masked places, over all orders in which they are filled.
double probability(const Module<Unordered<2>, double>& model, std::int32_t first, int i, double w) {
  constexpr std::array<std::array<int, 3>, 6> orders{
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  double sum = 0;
  for (const auto& order : orders) {
    double p = 1;
    for (int step = 0; step < 3; ++step) {
      const int at = order[static_cast<std::size_t>(step)];
      const auto logits = [&](std::int32_t begin) {
        Codes tokens = sequence(i, begin).clone();
        for (int left = step; left < 3; ++left) {
          tokens.data()[1 + order[static_cast<std::size_t>(left)]] = MaskedTransformer<2, 8, 1, 2, 3, 2>::mask;
        }
        return model->network(tokens);  // (1, 4, 2)
      };
      const auto with = logits(first), without = logits(Unordered<2>::null_class);
      p *= weighted(with.data() + 2 * (1 + at), without.data() + 2 * (1 + at), i >> (2 - at) & 1, w);
    }
    sum += p / 6;
  }
  return sum;
}

/// How often a model draws each of the 8 sequences after a first token.
template <class Net, class T>
std::array<double, 8> shares(const Module<Net, T>& model, std::int32_t first, double w, Index count) {
  Rng rng{3};
  const Codes drawn = model->sample(full<std::int32_t>({count, 1}, first), 3, rng, guidance<Net>(w));
  std::array<double, 8> share{};
  for (Index i = 0; i < count; ++i) {
    const std::int32_t* s = drawn.data() + 3 * i;
    share[static_cast<std::size_t>(4 * s[0] + 2 * s[1] + s[2])] += 1.0 / static_cast<double>(count);
  }
  return share;
}

/// A model of one token: 0 six times in ten in class 2, four times in ten in class 3.
template <class Net, class T>
Module<Net, T> trained() {
  Module<Net, T> model{Rng{1}};
  model->condition_dropout = 0.3;
  if constexpr (requires { model->label_smoothing; }) model->label_smoothing = 0;
  Codes tokens({20, 2});
  for (int i = 0; i < 20; ++i) {
    tokens.data()[2 * i] = i < 10 ? 2 : 3;
    tokens.data()[2 * i + 1] = i % 10 < (i < 10 ? 6 : 4) ? 0 : 1;
  }
  Optimizer adam{optim::Adam{}, model.parameters()};
  Rng rng{2};
  for (int i = 0; i < 500; ++i) {
    adam.rule.learning_rate = i < 300 ? 1e-2 : 5e-4;
    (void)train_step(model, adam, rng, [&](Tape& tape) { return model->loss(tape, tokens); });
  }
  return model;
}
/// How often it draws 0.
template <class Net, class T>
double share_of_0(const Module<Net, T>& model, std::int32_t first, double w) {
  Rng rng{9};
  const Codes drawn = model->sample(full<std::int32_t>({20000, 1}, first), 1, rng, guidance<Net>(w));
  double zeros = 0;
  for (const std::int32_t token : drawn) zeros += token == 0;
  return zeros / 20000;
}

}  // namespace

TEST_CASE_TEMPLATE("of all sequences, each is drawn token by token by p(x | c)^(1 + w) · p(x)^(-w)", Net, Causal<2>,
                   Unordered<2>, Scaled<2>) {
  const auto model = random_model<Net, double>();
  for (const double w : {0.0, 1.5, -0.5}) {
    const auto drawn = shares(model, 3, w, 40000);
    double sum = 0, furthest = 0;
    for (int i = 0; i < 8; ++i) {
      const double p = probability(model, 3, i, w);
      CHECK(std::abs(drawn[static_cast<std::size_t>(i)] - p) < 0.012);  // a share's deviation is below 0.0025
      furthest = std::max(furthest, std::abs(p - probability(model, 3, i, 0)));
      sum += p;
    }
    CHECK(sum == doctest::Approx(1));
    CHECK((w <= 0 || furthest > 0.03));
  }
}

TEST_CASE_TEMPLATE("of weight 0 it is the class as it was learned, to the bit, and of weight -1 the null class", Net,
                   Causal<2>, Unordered<2>, Scaled<2>) {
  const auto model = random_model<Net, float>();
  const auto draw = [&](std::int32_t first, const auto& how) {
    Rng rng{4};
    return model->sample(full<std::int32_t>({50, 1}, first), 3, rng, how);
  };
  typename Net::Sampling plain;
  if constexpr (requires { plain.tokens; }) plain = {.steps = 3, .confidence_temperature = 1e6};
  CHECK(same(draw(3, guidance<Net>(0)), draw(3, plain)));
  CHECK(!same(draw(3, guidance<Net>(0)), draw(3, guidance<Net>(3))));
  const int before = threads();
  set_threads(1);
  const Codes one = draw(3, guidance<Net>(3));
  set_threads(3);
  CHECK(same(one, draw(3, guidance<Net>(3))));
  set_threads(before);
  const auto with = shares(model, 3, -1, 20000), without = shares(model, Net::null_class, 0, 20000);
  for (std::size_t i = 0; i < 8; ++i) CHECK(std::abs(with[i] - without[i]) < 0.02);
}

TEST_CASE_TEMPLATE("what was learned of classes is followed the more the greater the weight", Net, Causal<2>,
                   Unordered<2>, Scaled<2>) {
  const auto model = trained<Net, float>();
  // 0.6 or 0.4 with the class, 0.5 without: 0.6^(1 + w) / (0.6^(1 + w) + 0.4^(1 + w)).
  for (const double w : {-1.0, 0.0, 1.0, 3.0}) {
    const double expected = 1 / (1 + std::pow(0.4 / 0.6, 1 + w));
    CHECK(share_of_0(model, 2, w) == doctest::Approx(expected).epsilon(0.07));
    CHECK(share_of_0(model, 3, w) == doctest::Approx(1 - expected).epsilon(0.07 * expected / (1 - expected)));
  }
  CHECK(share_of_0(model, Net::null_class, 0) == doctest::Approx(0.5).epsilon(0.07));
}

TEST_CASE_TEMPLATE("training has the null class as often as it is told, and else leaves sequences as they are", T,
                   float, double) {
  Rng rng{6};
  Codes tokens({4000, 3});
  for (Index i = 0; i < tokens.size(); ++i) tokens.data()[i] = static_cast<std::int32_t>(i % 7);
  const Codes dropped = detail::classes_dropped<T>(tokens, 9, 0.25, rng);
  Index count = 0;
  for (Index i = 0; i < 4000; ++i) {
    const bool null = dropped.data()[3 * i] == 9;
    count += null;
    CHECK((null || dropped.data()[3 * i] == tokens.data()[3 * i]));
    for (Index j = 1; j < 3; ++j) CHECK(dropped.data()[3 * i + j] == tokens.data()[3 * i + j]);
  }
  CHECK(std::abs(static_cast<double>(count) - 1000) < 140);  // a deviation of 27
  CHECK(same(detail::classes_dropped<T>(tokens, 9, 0, rng), tokens));
  CHECK_THROWS_WITH_AS(detail::classes_dropped<T>(tokens, 9, 1.5, rng),
                       "condition_dropout = 1.500000; needs a probability", Error);
}

TEST_CASE_TEMPLATE("without classes there is no null class in the weights, and no guidance", Net, Causal<1>,
                   Unordered<1>, Scaled<1>) {
  const Module<Net, float> model{Rng{1}};
  const Index mask = std::is_same_v<Net, Unordered<1>> ? 1 : 0;
  for_each_parameter(model, [&](const std::string& name, const auto& p) {
    if (name.ends_with("embed.weight")) CHECK(p.value.shape() == Shape{3 + mask, 8});
  });
  Rng rng{1};
  CHECK_THROWS_AS(model->sample(full<std::int32_t>({1, 1}, 2), 3, rng, guidance<Net>(1)), Error);
  CHECK_NOTHROW(model->sample(full<std::int32_t>({1, 1}, 2), 3, rng, guidance<Net>(0)));
}
