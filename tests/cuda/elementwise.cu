#include <doctest/doctest.h>

#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

namespace {

// Not where a function has a corner, or log and sqrt no value.
Tensor<double> positive(const Shape& shape, std::uint64_t seed = 1) {
  return affine(abs(random<double>(shape, seed)), 1, 0.3);
}

const auto all_functions = [](const auto& check) {
  check([](const auto& x) { return relu(x); });
  check([](const auto& x) { return leaky_relu(x, 0.2); });
  check([](const auto& x) { return elu(x, 1.5); });
  check([](const auto& x) { return silu(x); });
  check([](const auto& x) { return gelu(x); });
  check([](const auto& x) { return sigmoid(x); });
  check([](const auto& x) { return tanh(x); });
  check([](const auto& x) { return softplus(x); });
  check([](const auto& x) { return exp(x); });
  check([](const auto& x) { return log(abs(x) + 0.1); });
  check([](const auto& x) { return sqrt(square(x) + 0.1); });
  check([](const auto& x) { return clamp(x, -0.5, 0.7); });
  check([](const auto& x) { return affine(x, -1.5, 0.25); });
};

struct ProductOfSums {
  static constexpr bool twice = false;
  template <class V>
  constexpr V value(const V& a, const V& b, const V& c) const {
    return (a + b) * (b + c);
  }
  template <int I, class V>
  constexpr V slope(const V& a, const V& b, const V& c) const {
    if constexpr (I == 0) return b + c;
    else if constexpr (I == 1) return a + b + b + c;
    else return a + b;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("functions of one tensor agree with the CPU", T, float, double, bfloat16, Half) {
  for (const Index n : {1, 3, 259}) {
    all_functions([&](const auto& f) { CHECK(disagreement<T>(f, random<double>({n})) < device_tolerance<T>); });
  }
  CHECK(disagreement<T>([](const auto& x) { return relu(x); }, Tensor<double>({0, 4})) == 0);
}

TEST_CASE_TEMPLATE("their gradients agree, and those of the gradients", T, double, bfloat16) {
  all_functions([&](const auto& f) {
    CHECK(gradient_disagreement<T>(f, random<double>({37})) < device_tolerance<T>);
    const auto slope = [&f](const auto& x) {
      return x.tape().gradient(sum(f(x)), x, {.record = true});
    };
    CHECK(gradient_disagreement<T>(slope, random<double>({37}, 2)) < device_tolerance<T>);
  });
}

TEST_CASE_TEMPLATE("a function lets NaN and infinity through as the CPU does", T, float, double) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor<double> odd({5}, {nan, inf, -inf, -0.0, 1e30});
  const auto same_kind = [&](const auto& f) {
    const auto here = to_vector(f(converted<T>(odd))), there = to_vector(f(to<Cuda>(converted<T>(odd))));
    for (std::size_t i = 0; i < here.size(); ++i) {
      CHECK(std::isnan(here[i]) == std::isnan(there[i]));
      if (!std::isfinite(here[i]) && !std::isnan(here[i])) CHECK(here[i] == there[i]);
    }
  };
  all_functions(same_kind);
}

TEST_CASE_TEMPLATE("two tensors broadcast as on the CPU", T, float, double, bfloat16, Half) {
  const auto same_for = [&](const Shape& a, const Shape& b) {
    const auto x = random<double>(a, 3), y = positive(b, 4);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p + q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p - q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p * q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p / q; }, x, y) < device_tolerance<T>);
    CHECK(gradient_disagreement<T>([](const auto& p, const auto& q) { return p / q; }, x, y) < device_tolerance<T>);
  };
  same_for({7}, {7});
  same_for({64}, {64});
  same_for({5, 16}, {16});
  same_for({5, 16}, {5, 1});
  same_for({3, 4, 8}, {4, 1});
  same_for({3, 5, 7}, {3, 1, 7});
  same_for({2, 1, 8}, {3, 1});
  same_for({2, 3, 2, 3, 2, 3}, {1, 3, 1, 3, 1, 3});
  same_for({6}, {});
  same_for({0, 3}, {3});
  same_for({2, 1}, {1, 0});
}

TEST_CASE_TEMPLATE("a part of a tensor at no multiple of 16 bytes gives the same", T, float, double, bfloat16, Half) {
  const Tensor<double> x = random<double>({4, 33});
  const auto f = [](const auto& t) { return tanh(t.slice(1, 3)) + t.slice(2, 4); };
  CHECK(disagreement<T>(f, x) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("a fused function agrees, with its gradients", T, float, double, bfloat16, Half) {
  const auto f = [](const auto& a, const auto& b, const auto& c) { return fused("test", ProductOfSums{}, a, b, c); };
  const auto a = random<double>({3, 11}, 1), b = random<double>({3, 11}, 2), c = random<double>({3, 11}, 3);
  CHECK(disagreement<T>(f, a, b, c) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>(f, a, b, c) < device_tolerance<T>);
}
