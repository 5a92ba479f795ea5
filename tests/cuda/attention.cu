// SPDX-License-Identifier: MIT
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/attention/rotary.hpp>

#include "agree.hpp"

using namespace flipbook;
using test::device_tolerance;
using test::disagreement;

namespace {

struct Case {
  Index batch, queries, keys, heads, width;
};
const std::vector<Case> cases{{1, 1, 1, 1, 1},    {1, 1, 7, 2, 3},    {2, 5, 3, 1, 8},    {1, 31, 33, 2, 5},
                              {1, 65, 70, 1, 32}, {1, 64, 64, 2, 16}, {1, 20, 67, 1, 40}, {2, 2, 65, 2, 64},
                              {1, 66, 33, 1, 72}, {1, 3, 35, 1, 130}};

/// Queries, keys and values, and a mask in which some keys are hidden.
struct Inputs {
  Tensor<double> q, k, v, mask;
  explicit Inputs(const Case& c)
      : q(test::random<double>({c.batch, c.queries, c.heads, c.width}, 1)),
        k(test::random<double>({c.batch, c.keys, c.heads, c.width}, 2)),
        v(test::random<double>({c.batch, c.keys, c.heads, c.width}, 3)),
        mask(test::random<double>({c.batch, 1, c.queries, c.keys}, 4)) {
    Rng rng{5};
    for (double& m : mask) m = rng.uniform() < 0.2 ? -std::numeric_limits<double>::infinity() : m;
  }
};

std::vector<AttentionOptions> all_options(const Case& c) {
  return {{}, {.causal = true}, {.causal = true, .block = 3, .scale = 0.2}, {.causal = true, .keys = (c.keys + 1) / 2}};
}

/// What attention gives and its gradients, without the tape.
template <class B, class T, class... X>
auto with_gradients(const AttentionOptions& options, const Tensor<T, B>& mask, const Tensor<T, B>& dy, const X&... x) {
  const std::tuple all(x...);
  const Shape &q = std::get<0>(all).shape(), &k = std::get<sizeof...(X) - 1>(all).shape();
  AttentionGeometry g{.batch = q[0], .heads = q[-2], .queries = q[1], .keys = options.keys < 0 ? k[1] : options.keys};
  g.width = q[-1], g.causal_block = options.causal ? options.block : 0;
  g.scale = options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(g.width));
  Attention<T, B> op{g, mask};
  const Tensor<T, B> y = op(x...);
  return std::tuple{y, AttentionGradient<T, B>{g, mask, op.log_sums}(x..., y, dy)};
}
const auto outcome = [](const AttentionOptions& options, bool masked) {
  return [=]<class M>(const M& mask, const M& dy, const auto&... x) {
    return with_gradients<typename M::Backend, typename M::Scalar>(options, masked ? mask : M{}, dy, x...);
  };
};

template <class T>
double disagreement_of(const Case& c, double tolerance) {
  const Inputs x(c);
  const auto dy = test::random<double>(x.q.shape(), 6);
  double largest = 0;
  for (const AttentionOptions& options : all_options(c)) {
    const Index keys = options.keys < 0 ? c.keys : options.keys;
    for (const bool masked : {false, true}) {
      if (masked && (keys != c.keys || options.block != 1)) continue;
      CAPTURE(c.queries);
      CAPTURE(c.keys);
      CAPTURE(c.width);
      CAPTURE(options.block);
      CAPTURE(options.causal);
      CAPTURE(options.keys);
      CAPTURE(masked);
      const double apart = disagreement<T>(outcome(options, masked), x.mask, dy, x.q, x.k, x.v);
      CHECK(apart < tolerance);
      largest = std::max(largest, apart);
    }
  }
  return largest;
}

}  // namespace

TEST_CASE_TEMPLATE("attention and its gradients agree with the CPU's", T, float, double, bfloat16) {
  for (const Case& c : cases) disagreement_of<T>(c, device_tolerance<T>);
}
TEST_CASE("attention in half agrees with the CPU's") {
  for (const Case& c : {cases[3], cases[6]}) disagreement_of<flipbook::half>(c, device_tolerance<flipbook::half>);
}

TEST_CASE("with TF32, attention of floats stays within its rounding") {
  cuda::arithmetic().tf32 = true;
  double largest = 0;
  for (const Case& c : {Case{1, 65, 70, 1, 24}, Case{1, 5, 33, 1, 72}})
    largest = std::max(largest, disagreement_of<float>(c, 3e-3));
  cuda::arithmetic().tf32 = false;
  CHECK(largest > 1e-5);  // it is TF32 that was tested
}

TEST_CASE_TEMPLATE("queries, keys and values may lie in one tensor or in two", T, float, bfloat16) {
  const auto qkv = test::random<double>({2, 37, 3, 2, 8}), kv = test::random<double>({2, 40, 2, 2, 8}, 2);
  const auto q = test::random<double>({2, 9, 2, 8}, 3), dy = test::random<double>({2, 37, 2, 8}, 4);
  const AttentionOptions options{.causal = true};
  const Tensor<double> no_mask({0});
  CHECK(disagreement<T>(outcome(options, false), no_mask, dy, qkv) < device_tolerance<T>);
  CHECK(disagreement<T>(outcome(options, false), no_mask, test::random<double>(q.shape(), 5), q, kv) <
        device_tolerance<T>);
}

TEST_CASE_TEMPLATE("gradients go through the tape as on the CPU", T, float, double, bfloat16) {
  const auto qkv = test::random<double>({2, 13, 3, 2, 8}), q = test::random<double>({2, 4, 2, 8}, 2);
  const auto kv = test::random<double>({2, 11, 2, 2, 8}, 3);
  const auto self = [](const auto& x) { return self_attention(x, {.causal = true}); };
  const auto cross = [](const auto&... x) { return attention(x..., {.causal = true, .keys = 9}); };
  CHECK(test::gradient_disagreement<T>(self, qkv) < device_tolerance<T>);
  CHECK(test::gradient_disagreement<T>(cross, q, kv) < device_tolerance<T>);
}

TEST_CASE("rows that stand at no multiple of 16 bytes are read as well") {
  const auto all = test::random<double>({1 + 2 * 9 * 8}, 7);
  const auto f = [](const auto& x) {
    const auto q = x.slice(1, 1 + 2 * 9 * 8).reshape({2, 9, 1, 8}), k = x.slice(0, 2 * 9 * 8).reshape({2, 9, 1, 8});
    return attention(q, k, q);
  };
  CHECK(disagreement<float>(f, all) < device_tolerance<float>);
  CHECK(disagreement<bfloat16>(f, all) < device_tolerance<bfloat16>);
}

TEST_CASE("a query that sees no key gives zeros and has no gradient") {
  const Inputs x({1, 5, 70, 2, 6});
  auto mask = x.mask.clone();
  for (Index j = 0; j < 70; ++j) mask.data()[2 * 70 + j] = -std::numeric_limits<double>::infinity();
  const auto dy = test::random<double>(x.q.shape(), 6);
  CHECK(disagreement<double>(outcome({}, true), mask, dy, x.q, x.k, x.v) < 1e-13);
  const auto y = to<Cpu>(attention(to<Cuda>(x.q), to<Cuda>(x.k), to<Cuda>(x.v), {}, to<Cuda>(mask)));
  for (Index d = 0; d < 12; ++d) CHECK(y.data()[2 * 12 + d] == 0);
}

TEST_CASE("attention of nothing is nothing") {
  const Tensor<float, Cuda> none({2, 0, 1, 4}), some({2, 3, 1, 4}, std::vector<float>(24, 1));
  CHECK(attention(none, some, some).size() == 0);
  CHECK(to_vector(attention(some, none, none)) == std::vector<float>(24, 0));
}

TEST_CASE_TEMPLATE("rotations agree with the CPU's", T, float, double, bfloat16) {
  const auto x = test::random<double>({2, 5, 3, 2, 6}, 1), c = test::random<double>({5, 3}, 2),
             s = test::random<double>({5, 3}, 3);
  for (const Index rotated : {0, 4, 6}) {
    for (const bool back : {false, true}) {
      const auto f = [=]<class X>(const X& of, const X& cosines, const X& sines) {
        return ApplyRotary<typename X::Scalar, typename X::Backend>{{cosines, sines}, rotated, back}(of);
      };
      CHECK(disagreement<T>(f, x, c, s) < device_tolerance<T>);
    }
  }
}

TEST_CASE("the keys that a query sees are counted as the geometry says") {
  Rng rng{1};
  for (int i = 0; i < 2000; ++i) {
    constexpr Index most = (Index{1} << 31) - 129;
    const Index limit = i % 2 == 0 ? 40 : most;
    AttentionGeometry g;
    g.queries = 1 + rng.below(limit), g.keys = 1 + rng.below(limit);
    g.causal_block = i % 3 == 0 ? rng.below(4) : rng.below(2 * limit);
    const cuda::SeenKeys seen(g);
    for (const Index query : {Index{0}, g.queries / 2, g.queries - 1}) {
      if (seen(static_cast<int>(query)) != g.visible(query)) FAIL(query, " of ", g.queries, " and ", g.keys);
    }
    CHECK(seen(static_cast<int>(g.queries) + 127) == g.visible(g.queries - 1));
  }
}
