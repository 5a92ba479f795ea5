// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/nn/module.hpp>

using namespace flipbook;

namespace {

/// y = x · weight + bias, element by element: the smallest module with two parameters and a buffer.
struct Scaled {
  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight{full<T, B>({3}, T(2))}, bias{full<T, B>({3}, T(1))};
    Buffer<T, B> calls{zeros<T, B>({1})};
    static void fields(auto& self, auto&& field) {
      field("weight", self.weight);
      field("bias", self.bias);
      field("calls", self.calls);
    }
    template <Value X>
    X operator()(const X& x) const {
      if constexpr (training<X>) x.tape().defer([calls = calls.value]() mutable { calls.data()[0] += 1; });
      return x * weight + bias;
    }
  };
};

template <class T>
Tensor<T> three() {
  return Tensor<T>({3}, {1, -2, 3});
}

}  // namespace

TEST_CASE_TEMPLATE("forward code gives the same value recorded or not", T, float, double) {
  const auto f = [](const auto& x) { return mean(square(x) * 3 + exp(x)); };
  Tape tape;
  CHECK(f(three<T>()).item() == f(tape.variable(three<T>())).item());
}

TEST_CASE_TEMPLATE("a gradient gathers over every use of a value", T, float, double) {
  Tape tape;
  const auto x = tape.variable(three<T>());
  const auto y = sum(x * x + x * 5 + x);  // 2x + 6
  CHECK(to_vector(tape.gradient(y, x)) == std::vector<T>{8, 2, 12});
}

TEST_CASE("a value that nothing wanted leads to is not recorded") {
  Tape tape;
  const auto x = tape.constant(three<double>());
  const auto y = sum(exp(x) * x);
  CHECK(tape.nodes() == 0);
  CHECK_FALSE(y.recorded());
}

TEST_CASE("only the parameters of wanted modules are recorded") {
  const Module<Scaled, double> wanted, other;
  Tape tape{wanted};
  const auto y = sum(other(wanted(tape.constant(three<double>()))));
  const Tensor<double> gradient = tape.gradient(y, wanted);
  CHECK(to_vector(gradient) == std::vector<double>{2, -4, 6, 2, 2, 2});
  Tape again{wanted};
  CHECK_THROWS_WITH_AS(again.gradient(sum(wanted(again.constant(three<double>()))), other),
                       "gradient: this tape was not told to watch parameter 'weight'", Error);
}

TEST_CASE("a parameter that is used at every step gathers its gradient over the steps") {
  const Module<Scaled, double> module;
  Tape tape{module};
  auto x = tape.constant(three<double>());
  for (int step = 0; step < 3; ++step) x = module(x);
  const Tensor<double> gradient = tape.gradient(sum(x), module);
  // x₃ = 8x₀ + 7 at weight 2, bias 1; d/dw = 12x₀ + 5, d/db = 7
  CHECK(to_vector(gradient) == std::vector<double>{17, -19, 41, 7, 7, 7});
}

TEST_CASE("the parts of a gradient have memory of their own") {
  const Module<Scaled, double> module;
  Tape tape{module};
  const auto parts = tape.gradients(sum(tape.constant(three<double>()) + module->weight + module->bias), module);
  REQUIRE(parts.size() == 2);  // both are the gradient of the sum
  CHECK(to_vector(parts[0]) == to_vector(parts[1]));
  CHECK(parts[0].data() != parts[1].data());
}

TEST_CASE("some of a module's parameters have gradients of their own, in the order that they are asked in") {
  const Module<Scaled, double> module;
  Tape tape{module};
  const auto y = sum(module(tape.constant(three<double>())));
  auto targets = tape.targets<double, Cpu>(module);
  REQUIRE(targets.size() == 2);
  std::swap(targets[0], targets[1]);
  auto parts = tape.gradients(y, targets, {.retain_graph = true});
  CHECK(to_vector(parts[0]) == std::vector<double>{1, 1, 1});
  CHECK(to_vector(parts[1]) == std::vector<double>{1, -2, 3});
  targets.pop_back();
  parts = tape.gradients(y, targets, {});
  REQUIRE(parts.size() == 1);
  CHECK(to_vector(parts[0]) == std::vector<double>{1, 1, 1});
}

TEST_CASE("a parameter that the result does not depend on has gradient zero") {
  const Module<Scaled, double> module;
  Tape tape{module};
  const auto x = tape.variable(three<double>());
  CHECK(to_vector(tape.gradient(sum(x), module)) == std::vector<double>(6, 0.0));
}

TEST_CASE("changes to buffers wait for apply_updates") {
  const Module<Scaled, float> module;
  Tape tape;
  (void)module(tape.constant(three<float>()));
  CHECK(module.buffers().item() == 0);
  tape.apply_updates();
  CHECK(module.buffers().item() == 1);
  tape.apply_updates();
  CHECK(module.buffers().item() == 1);
  (void)module(three<float>());
  CHECK(module.buffers().item() == 1);
}

TEST_CASE("a gradient of a gradient of a gradient stops at what an operation brings, and says so") {
  Tape tape;
  const auto x = tape.variable<Order::higher>(Tensor<double>({1}, {0.3}));
  const auto first = tape.recorded_gradient(sum(tanh(x)), x);
  const auto second = tape.recorded_gradient(sum(first), x);
  const double y = std::tanh(0.3);
  CHECK(first.item() == doctest::Approx(1 - y * y).epsilon(1e-14));
  CHECK(second.item() == doctest::Approx(-2 * y * (1 - y * y)).epsilon(1e-14));
  CHECK_THROWS_WITH_AS(tape.gradient(sum(second), x),
                       "element-wise functions are differentiable twice, not three times", Error);
}

TEST_CASE("products are differentiable any number of times") {
  Tape tape;
  const auto x = tape.variable<Order::higher>(Tensor<double>({1}, {2}));
  auto y = sum(x * x * x * x);  // 16, 32, 48, 48, 24
  for (const double expected : {32.0, 48.0, 48.0, 24.0}) {
    y = sum(tape.recorded_gradient(y, x));
    CHECK(y.item() == doctest::Approx(expected));
  }
}

TEST_CASE("what is differentiable once takes part in what is differentiable again") {
  Tape tape;
  const auto w = tape.variable(three<double>());
  const auto x = tape.variable<Order::higher>(ones<double>({3}));
  const auto y = exp(w) * x * x;  // once, then any order
  static_assert(decltype(exp(w))::order == Order::first && decltype(y)::order == Order::higher);
  const auto slope = tape.recorded_gradient(sum(y), x);  // 2 x eʷ
  const auto dw = tape.gradient(sum(slope * slope) + sum(w), w), e = exp(three<double>());
  CHECK(to_vector(dw) == to_vector(8.0 * (e * e) + 1.0));  // d/dw 4 e²ʷ = 8 e²ʷ
}

TEST_CASE("a recorded gradient asks for a value that was made for it") {
  Tape tape;
  const auto constant = tape.lift<Order::higher>(ones<double>({2}));
  CHECK_THROWS_WITH_AS(tape.recorded_gradient(sum(square(constant)), constant),
                       doctest::Contains("make it with tape.variable<Order::higher>(...)"), Error);
}

TEST_CASE("what was kept is freed by a differentiation, unless it is asked for again") {
  Tape tape;
  const auto x = tape.variable(three<double>());
  const auto y = sum(exp(x));
  const auto kept = tape.gradient(y, x, {.retain_graph = true});
  CHECK(to_vector(tape.gradient(y, x)) == to_vector(kept));
  CHECK_THROWS_WITH_AS(tape.gradient(y, x), doctest::Contains("has been differentiated before and freed"), Error);
}

TEST_CASE("freed values return to the pool while the gradient goes back") {
  const std::size_t before = HostPool::instance().statistics().in_use;
  Tape tape;
  auto x = tape.variable(full<float>({1 << 16}, 0.5F));
  const auto y = [&] {
    auto h = x;
    for (int i = 0; i < 8; ++i) h = silu(h);
    return sum(h);
  }();
  const std::size_t recorded = HostPool::instance().statistics().in_use;
  CHECK(recorded - before > 8 * (std::size_t{4} << 16));
  (void)tape.gradient(y, x);
  CHECK(HostPool::instance().statistics().in_use - before < 3 * (std::size_t{4} << 16));
}

TEST_CASE("only single numbers are differentiated, and only in what is recorded") {
  Tape tape;
  const auto x = tape.variable(three<double>());
  CHECK_THROWS_WITH_AS(tape.gradient(x, x), "gradient: only a single number can be differentiated, got shape (3)",
                       Error);
  CHECK_THROWS_WITH_AS(tape.gradient(sum(x), tape.constant(three<double>())),
                       "gradient: with respect to a constant; make it with tape.variable(...)", Error);
}

TEST_CASE("values recorded on two tapes do not mix") {
  Tape one, two;
  const auto x = one.variable(three<double>()), y = two.variable(three<double>());
  CHECK_THROWS_WITH_AS(x * y, doctest::Contains("recorded on one tape met a value of another"), Error);
  CHECK_NOTHROW(x * stop_gradient(y));
}

TEST_CASE("what does not lead to a value has gradient zero, and asking for it leaves nothing behind") {
  Tape tape;
  const auto x = tape.variable(three<double>()), apart = tape.variable(three<double>());
  const auto y = sum(x * x);
  CHECK(to_vector(tape.gradient(y, apart, {.retain_graph = true})) == std::vector<double>(3, 0.0));
  CHECK(to_vector(tape.gradient(y, x, {.retain_graph = true})) == std::vector<double>{2, -4, 6});
}

TEST_CASE("a differentiation that fails leaves the tape fit for use") {
  Tape tape;
  const auto x = tape.variable(three<double>());
  const auto freed = exp(x);
  (void)tape.gradient(sum(freed), x);
  CHECK_THROWS_AS(tape.gradient(sum(freed * x), x), Error);
  CHECK(to_vector(tape.gradient(sum(x * 2), x)) == std::vector<double>{2, 2, 2});
}
