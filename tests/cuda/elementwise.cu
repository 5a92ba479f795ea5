// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/elementwise/biased.hpp>
#include <flipbook/ops/elementwise/fused.hpp>
#include <flipbook/ops/elementwise/map.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/elementwise/where.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;
using Half = flipbook::half;

namespace {

// Not where a function has a corner, or log and sqrt no value.
Tensor<double> positive(const Shape& shape, std::uint64_t seed = 1) {
  return affine(abs(random<double>(shape, seed)), 1, 0.3);
}

using namespace flipbook::function;
const auto all_functions = [](const auto& check) {
  std::apply(
      [&](const auto&... f) { (check(f), ...); },
      std::tuple{
          Relu{}, LeakyRelu{0.2}, Elu{1.5},  Sigmoid{},       Tanh{},           Softplus{},         MinusLogSigmoid{},
          Silu{}, Gelu{},         Exp{},     function::Log{}, Sqrt{},           Square{},           Sin{},
          Cos{},  Pow{3},         Pow{-1.5}, Abs{},           Clamp{-0.5, 0.7}, Affine{-1.5, 0.25}, Round{}});
};
// Where the function is defined.
template <class F>
Tensor<double> inputs_of(const F&, const Shape& shape) {
  constexpr bool takes_all = !std::is_same_v<F, function::Log> && !std::is_same_v<F, Sqrt> && !std::is_same_v<F, Pow>;
  return takes_all ? random<double>(shape) : positive(shape);
}

struct ProductOfSums {
  static constexpr bool twice = false;
  template <class V>
  constexpr V value(const V& a, const V& b, const V& c) const {
    return (a + b) * (b + c);
  }
  template <int I, class V>
  constexpr V derivative(const V& a, const V& b, const V& c) const {
    if constexpr (I == 0) return b + c;
    else if constexpr (I == 1) return a + b + b + c;
    else return a + b;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("functions and their first two derivatives agree with the CPU", T, double, Half) {
  all_functions([]<class F>(const F& f) {
    const auto dy = random<double>({259}, 2), g = random<double>({259}, 3), x = inputs_of(f, {259});
    CHECK(disagreement<T>([&](const auto& t) { return apply(Unary<F>{f}, t); }, x) < device_tolerance<T>);
    const auto v = positive({259});
    const auto slope = [&](const auto&... t) { return apply(UnaryDerivative<F>{f}, t...); };
    const auto bend = [&](const auto&... t) { return apply(UnarySecondDerivative<F>{f}, t...); };
    CHECK(disagreement<T>(slope, dy, v) < device_tolerance<T>);
    CHECK(disagreement<T>(bend, g, dy, v) < device_tolerance<T>);
  });
}

TEST_CASE_TEMPLATE("any number of elements is computed", T, float, double, bfloat16, Half) {
  const auto f = [](const auto& x) { return tanh(x); };
  for (const Index n : {1, 2, 3, 7, 8, 9, 1025}) CHECK(disagreement<T>(f, random<double>({n})) < device_tolerance<T>);
  CHECK(disagreement<T>(f, Tensor<double>({0, 4})) == 0);
}

TEST_CASE_TEMPLATE("gradients agree, and those of the gradients", T, float, bfloat16) {
  const auto f = [](const auto& x) { return silu(x) * tanh(x); };
  CHECK(gradient_disagreement<T>(f, random<double>({37})) < device_tolerance<T>);
  const auto of_the_gradient = [&f](const auto& t) {
    Tape tape;
    const auto x = tape.template variable<Order::higher>(t);
    return tape.gradient(sum(square(tape.recorded_gradient(sum(f(x)), x))), x);
  };
  CHECK(disagreement<T>(of_the_gradient, random<double>({37}, 2)) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("a function lets NaN and infinity through as the CPU does", T, float, double) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Tensor<T> odd = converted<T>(Tensor<double>({5}, {nan, inf, -inf, -0.0, 1e30}));
  all_functions([&]<class F>(const F& f) {
    const auto here = to_vector(apply(Unary<F>{f}, odd)), there = to_vector(apply(Unary<F>{f}, to<Cuda>(odd)));
    for (std::size_t i = 0; i < here.size(); ++i) {
      CHECK(std::isnan(here[i]) == std::isnan(there[i]));
      if (std::isinf(here[i])) CHECK(here[i] == there[i]);
    }
  });
}

TEST_CASE_TEMPLATE("two tensors broadcast as on the CPU", T, float, double, bfloat16, Half) {
  const auto same_for = [&](const Shape& a, const Shape& b) {
    const auto x = random<double>(a, 3), y = positive(b, 4);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p + q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p - q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p * q; }, x, y) < device_tolerance<T>);
    CHECK(disagreement<T>([](const auto& p, const auto& q) { return p / q; }, x, y) < device_tolerance<T>);
    if constexpr (std::is_same_v<T, float>) {
      CHECK(gradient_disagreement<T>([](const auto& p, const auto& q) { return p / q; }, x, y) < device_tolerance<T>);
    }
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
  if constexpr (!Short<T>) CHECK(gradient_disagreement<T>(f, a, b, c) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("masks choose and fill as on the CPU, with their gradients", T, float, double, bfloat16, Half) {
  const auto x = random<double>({5, 33}, 1), y = random<double>({33}, 2);
  const auto chosen = [](const auto& a, const auto& b) { return where(greater(tensor_of(a), tensor_of(b)), a, b); };
  const auto filled = [](const auto& a) { return masked_fill(a, less_equal(tensor_of(a), 0.25), -2); };
  CHECK(disagreement<T>(chosen, x, y) == 0);
  CHECK(disagreement<T>(filled, x) == 0);
  CHECK(gradient_disagreement<T>(chosen, x, y) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>(filled, x) < device_tolerance<T>);
  const auto of_bytes = [](const auto& m, const auto& a) { return masked_fill(a, m, 0.5); };
  CHECK(disagreement<T>(of_bytes, Tensor<std::uint8_t>({5, 1}, {0, 1, 2, 0, 255}), x) == 0);
}

TEST_CASE_TEMPLATE("changes of many tensors are those of each, and one that comes after another is told apart", T,
                   float, double, bfloat16) {
  const auto changed = []<class U, class B>(const Tensor<U, B>& x) {
    Tensor<U, B> y = x.clone();
    MapsInto<Plus, U, B> all, more, again;
    for (Index i = 0; i < 200; ++i) (i < 150 ? all : more).add({{}, y[i], x[i]});
    again.add({{}, y[199], x[0]});
    CHECK(all.join(more));
    CHECK(!all.join(again));
    all(), again();
    return y;
  };
  CHECK(disagreement<T>(changed, random<double>({200, 7})) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("a function of a sum with a bias, and its gradients, agree with the CPU", T, float, double, Half) {
  const auto check = [](const auto& f, const Tensor<double>& x, const Tensor<double>& b) {
    const auto of = [&](const auto& v, const auto& bias) { return biased(f, v, bias); };
    CHECK(disagreement<T>(of, x, b) < device_tolerance<T>);
    CHECK(gradient_disagreement<T>(of, x, b) < 2 * device_tolerance<T>);
  };
  for (const Shape& shape : {Shape{1}, Shape{7, 1}, Shape{3, 5, 7}, Shape{2, 9, 8}, Shape{1031, 24}}) {
    CAPTURE(shape);
    const auto x = random<double>(shape), b = random<double>({shape.back()}, 2);
    check(Tanh{}, x, b);
    check(Gelu{}, x, b);
  }
}

TEST_CASE_TEMPLATE("the mean of a function, and its gradient, agree with the CPU", T, float, double, Half) {
  for (const Shape& shape : {Shape{1}, Shape{3, 5}, Shape{64}, Shape{70001}}) {
    const auto of = [](const auto& v) { return mean_of(Softplus{}, v); };
    CHECK(disagreement<T>(of, random<double>(shape)) < device_tolerance<T>);
    CHECK(gradient_disagreement<T>(of, random<double>(shape)) < device_tolerance<T>);
  }
}
