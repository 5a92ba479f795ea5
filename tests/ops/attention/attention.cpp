// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include "../tensors.hpp"

using namespace flipbook;
using test::difference;
using test::random;

namespace {

/// As the definition reads, in double; `seen(i, j)` says whether query i sees key j.
template <class T, class Seen>
Tensor<T> reference(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v, const Seen& seen,
                    const Tensor<T>& mask = {}) {
  Tensor<T> y(q.shape());
  const Index keys = k.extent(1), heads = q.extent(2), width = q.extent(3);
  test::each_index(Shape{q.extent(0), q.extent(1), heads}, [&](const test::Indices& at) {
    const auto [n, i, h] = std::array{at[0], at[1], at[2]};
    std::vector<double> weight(static_cast<std::size_t>(keys)), sum(static_cast<std::size_t>(width));
    double total = 0;
    for (Index j = 0; j < keys; ++j) {
      double score = 0;
      for (Index d = 0; d < width; ++d) score += double(test::at(q, {n, i, h, d})) * double(test::at(k, {n, j, h, d}));
      score /= std::sqrt(double(width));
      if (mask) {
        score += double(test::at(mask, {mask.extent(0) == 1 ? 0 : n, mask.extent(1) == 1 ? 0 : h, i, j}));
      }
      weight[static_cast<std::size_t>(j)] = seen(i, j) ? std::exp(score) : 0;
      total += weight[static_cast<std::size_t>(j)];
    }
    for (Index d = 0; d < width; ++d) {
      double value = 0;
      for (Index j = 0; j < keys; ++j) value += weight[static_cast<std::size_t>(j)] * double(test::at(v, {n, j, h, d}));
      test::at(y, {n, i, h, d}) = static_cast<T>(total == 0 ? 0 : value / total);
    }
  });
  return y;
}
const auto everything = [](Index, Index) { return true; };

struct Case {
  Index batch, queries, keys, heads, width;
};
const std::vector<Case> cases{{1, 1, 1, 1, 1},     {1, 1, 7, 2, 3},     {2, 5, 3, 1, 8},
                              {1, 31, 33, 2, 5},   {1, 33, 31, 1, 16},  {2, 64, 64, 3, 17},
                              {1, 65, 129, 1, 32}, {1, 70, 200, 2, 40}, {3, 2, 65, 2, 64}};

template <class T>
struct Inputs {
  Tensor<T> q, k, v;
  explicit Inputs(const Case& c)
      : q(random<T>({c.batch, c.queries, c.heads, c.width}, 1)),
        k(random<T>({c.batch, c.keys, c.heads, c.width}, 2)),
        v(random<T>({c.batch, c.keys, c.heads, c.width}, 3)) {}
};

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

}  // namespace

TEST_CASE_TEMPLATE("attention is the softmax of scaled products times values", T, float, double) {
  for (const Case& c : cases) {
    CAPTURE(c.queries);
    CAPTURE(c.keys);
    CAPTURE(c.width);
    const Inputs<T> x(c);
    CHECK(difference(attention(x.q, x.k, x.v), reference(x.q, x.k, x.v, everything)) < tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("a causal query sees the keys up to its own place, counted from the end", T, float, double) {
  for (const Case& c : cases) {
    for (const Index block : {1, 3, 100}) {
      CAPTURE(c.queries);
      CAPTURE(c.keys);
      CAPTURE(c.width);
      CAPTURE(block);
      const Inputs<T> x(c);
      const auto seen = [&](Index i, Index j) {
        const Index place = i + c.keys - c.queries;
        return place >= 0 && j / block <= place / block;
      };
      CHECK(difference(attention(x.q, x.k, x.v, {.causal = true, .block = block}), reference(x.q, x.k, x.v, seen)) <
            tolerance<T>);
    }
  }
}

TEST_CASE_TEMPLATE("masks add to the scores, for all samples and heads or for each", T, float, double) {
  for (const Case& c : cases) {
    const Inputs<T> x(c);
    const Tensor<T> shared = random<T>({c.queries, c.keys}, 4), per_sample = random<T>({c.batch, c.queries, c.keys}, 5);
    const Tensor<T> per_head = random<T>({1, c.heads, c.queries, c.keys}, 6);
    const auto check = [&](const Tensor<T>& mask, const Tensor<T>& full) {
      CAPTURE(to_string(mask.shape()));
      CHECK(difference(attention(x.q, x.k, x.v, {}, mask), reference(x.q, x.k, x.v, everything, full)) < tolerance<T>);
    };
    check(shared, shared.reshape({1, 1, c.queries, c.keys}));
    check(per_sample, per_sample.reshape({c.batch, 1, c.queries, c.keys}));
    check(per_head, per_head);
  }
}

TEST_CASE_TEMPLATE("a query that sees no key gives zeros and has no gradient", T, float, double) {
  const Inputs<T> x({2, 5, 70, 2, 6});
  Tensor<std::uint8_t> seen({5, 70});
  Rng rng{7};
  for (auto& see : seen) see = rng.uniform() < 0.3;
  for (Index j = 0; j < 70; ++j) seen.data()[2 * 70 + j] = 0;
  const auto mask = additive_mask<T>(seen);
  const auto by_mask = [&](Index i, Index j) { return seen.data()[i * 70 + j] != 0; };
  const auto y = attention(x.q, x.k, x.v, {}, mask);
  CHECK(difference(y, reference(x.q, x.k, x.v, by_mask)) < tolerance<T>);
  for (Index d = 0; d < 12; ++d) CHECK(y.data()[2 * 12 + d] == 0);

  Tape tape;
  const auto q = tape.variable(x.q), k = tape.variable(x.k);
  const auto loss = [&] { return sum(square(attention(q, k, tape.constant(x.v), {}, mask))); };
  const auto dq = tape.gradient(loss(), q), dk = tape.gradient(loss(), k);
  for (Index d = 0; d < 12; ++d) CHECK(dq.data()[2 * 12 + d] == 0);
  for (const T g : dk) CHECK(std::isfinite(g));
}

TEST_CASE_TEMPLATE("scores that would overflow do not", T, float, double) {
  const Inputs<T> x({1, 3, 80, 1, 4});
  const auto sharp = attention(x.q * 1e6, x.k, x.v);  // all weight on the best key
  const auto best = test::tabulated<T>(sharp.shape(), [&](const test::Indices& at) {
    const auto score = [&](Index j) {
      double sum = 0;
      for (Index d = 0; d < 4; ++d)
        sum += double(test::at(x.q, {0, at[1], 0, d})) * double(test::at(x.k, {0, j, 0, d}));
      return sum;
    };
    Index best_key = 0;
    for (Index j = 1; j < 80; ++j) best_key = score(j) > score(best_key) ? j : best_key;
    return test::at(x.v, {0, best_key, 0, at[3]});
  });
  CHECK(difference(sharp, best) < tolerance<T>);
}

TEST_CASE_TEMPLATE("queries, keys and values may lie in one tensor or in three", T, float, double) {
  const auto qkv = random<T>({2, 37, 3, 2, 5});
  const auto parts = unstack(qkv, 2);
  const AttentionOptions options{.causal = true};
  const auto expected = attention(parts[0], parts[1], parts[2], options);
  CHECK(test::same(self_attention(qkv, options), expected));
  CHECK(test::same(attention(parts[0], stack(2, parts[1], parts[2]), options), expected));
}

TEST_CASE_TEMPLATE("only the first keys of a cache are seen", T, float, double) {
  const Inputs<T> x({2, 3, 90, 2, 5});
  const AttentionOptions some{.causal = true, .keys = 71}, all{.causal = true};
  const auto expected = attention(x.q, slice(x.k, 1, 0, 71), slice(x.v, 1, 0, 71), all);
  CHECK(test::same(attention(x.q, x.k, x.v, some), expected));
}

TEST_CASE("gradients of attention agree with difference quotients") {
  for (const Case& c : {Case{1, 1, 1, 1, 1}, Case{2, 3, 2, 2, 3}, Case{1, 5, 67, 1, 4}, Case{1, 35, 3, 2, 9}}) {
    CAPTURE(c.queries);
    CAPTURE(c.keys);
    CAPTURE(c.width);
    const Inputs<double> x(c);
    const auto mask = random<double>({c.queries, c.keys}, 4);
    for (const AttentionOptions& options : {AttentionOptions{}, AttentionOptions{.causal = true},
                                            AttentionOptions{.causal = true, .block = 2, .scale = 0.3}}) {
      CHECK(
          gradient_error([&](const auto& q, const auto& k, const auto& v) { return attention(q, k, v, options, mask); },
                         x.q, x.k, x.v) < 1e-7);
    }
  }
  const auto qkv = random<double>({2, 7, 3, 2, 3}), kv = random<double>({2, 9, 2, 2, 3}, 2);
  const auto q = random<double>({2, 4, 2, 3}, 3);
  CHECK(gradient_error([](const auto& x) { return self_attention(x, {.causal = true}); }, qkv) < 1e-7);
  CHECK(gradient_error([](const auto& a, const auto& b) { return attention(a, b, {.causal = true, .keys = 6}); }, q,
                       kv) < 1e-7);
}

TEST_CASE("the gradients of large attentions are those of small ones in single precision") {
  const Inputs<double> x({1, 70, 150, 2, 40});
  const auto gradients = [](const auto& q, const auto& k, const auto& v) {
    Tape tape;
    const auto a = tape.variable(q), b = tape.variable(k), c = tape.variable(v);
    const auto loss = [&] { return sum(square(attention(a, b, c, {.causal = true}))); };
    return std::array{cast<double>(tape.gradient(loss(), a)), cast<double>(tape.gradient(loss(), b)),
                      cast<double>(tape.gradient(loss(), c))};
  };
  const auto exact = gradients(x.q, x.k, x.v);
  const auto single = gradients(cast<float>(x.q), cast<float>(x.k), cast<float>(x.v));
  for (std::size_t i = 0; i < 3; ++i) CHECK(difference(single[i], exact[i]) < 1e-5);
}

TEST_CASE("a gradient of a gradient of attention is refused") {
  Tape tape;
  const auto qkv = tape.variable<Order::higher>(random<double>({1, 3, 3, 1, 2}));
  const auto gradient = tape.recorded_gradient(sum(square(self_attention(qkv))), qkv);
  CHECK(test::error_of([&] { tape.gradient(sum(square(gradient)), qkv); }) ==
        "attention can be differentiated once, not twice");
}

TEST_CASE_TEMPLATE("attention gives the same bits on any number of threads", T, float, double) {
  const auto qkv = random<T>({3, 71, 3, 2, 19});
  const auto run = [&](int count) {
    set_threads(count);
    Tape tape;
    const auto x = tape.variable(qkv);
    const auto y = self_attention(x, {.causal = true});
    return std::pair{y.value(), tape.gradient(sum(square(y)), x)};
  };
  const int before = threads();
  const auto [alone, alone_gradient] = run(1);
  const auto [together, together_gradient] = run(3);
  set_threads(before);
  CHECK(test::same(alone, together));
  CHECK(test::same(alone_gradient, together_gradient));
}

TEST_CASE("shapes and masks that do not fit are refused") {
  const auto q = zeros<float>({2, 3, 4, 5}), k = zeros<float>({2, 7, 4, 5});
  CHECK(test::error_of([&] {
          attention(q, k, zeros<float>({2, 6, 4, 5}));
        }) ==
        "attention: queries (2, 3, 4, 5), keys (2, 7, 4, 5), values (2, 6, 4, 5); need (N, Lq, H, D) and twice (N, Lk, "
        "H, D)");
  CHECK_THROWS_AS(attention(q, zeros<float>({2, 7, 3, 5}), zeros<float>({2, 7, 3, 5})), Error);
  CHECK_THROWS_AS(self_attention(zeros<float>({2, 3, 2, 4, 5})), Error);
  CHECK_THROWS_AS(attention(q, k, k, {}, zeros<float>({3, 3})), Error);
  CHECK_THROWS_AS(attention(q, k, k, {}, zeros<float>({3, 3, 7})), Error);
  CHECK_THROWS_AS(attention(q, k, k, {.keys = 8}), Error);
  CHECK_THROWS_AS(attention(q, k, k, {.causal = true, .block = 0}), Error);
}
