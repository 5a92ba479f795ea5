// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/list.hpp>

#include <doctest/doctest.h>

#include <flipbook/autodiff/variable.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

using namespace flipbook;

namespace {

/// (x₀, x₁, …) → (2 x₀, 3 x₁, …), whose gradient counts how often it is worked out.
struct Scale {
  int* runs;
  template <class T, class B>
  List<Tensor<T, B>> operator()(const List<Tensor<T, B>>& x) const {
    return scaled(x);
  }
  template <class V>
  List<V> vjp(const List<Shape>& shapes, const List<V>& dy) const {
    CHECK(shapes.size() == dy.size());
    ++*runs;
    return scaled(dy);
  }

 private:
  template <class X>
  static List<X> scaled(const List<X>& x) {
    List<X> y;
    for (const X& each : x) y.push_back(each * static_cast<double>(2 + y.size()));
    return y;
  }
};

Tensor<double> numbers(double first) { return Tensor<double>({3}, {first, first + 1, first + 2}); }

}  // namespace

TEST_CASE("over tensors it is computed at once, over variables recorded") {
  int runs = 0;
  const auto plain = apply_list(Scale{&runs}, List<Tensor<double>>{numbers(1), numbers(5)});
  CHECK(plain[1].data()[2] == 21);
  Tape tape;
  const auto x = tape.variable(numbers(1));
  const auto recorded = apply_list(Scale{&runs}, list_of(x, numbers(5)));
  CHECK(recorded[0].recorded());
  CHECK(to_vector(recorded[1].value()) == to_vector(plain[1]));
  const auto constant = apply_list(Scale{&runs}, list_of(tape.constant(numbers(1)), numbers(5)));
  CHECK_FALSE(constant[0].recorded());
  CHECK(runs == 0);
}

TEST_CASE("its gradient is worked out once, when those of all outputs have arrived, and unused outputs have 0") {
  int runs = 0;
  Tape tape;
  const auto x = tape.variable(numbers(1)), y = tape.variable(numbers(5));
  const auto outputs = apply_list(Scale{&runs}, list_of(x, y));
  const auto loss = sum(outputs[0] * outputs[0]) + sum(outputs[1]);
  const auto dx = tape.gradient(loss, x, {.retain_graph = true});  // d/dx Σ (2x)² = 8x
  CHECK(runs == 1);
  CHECK(to_vector(dx) == to_vector(numbers(1) * 8.0));
  const auto dy = tape.gradient(loss, y, {.retain_graph = true});
  CHECK(to_vector(dy) == std::vector<double>{3, 3, 3});
  CHECK(to_vector(tape.gradient(sum(outputs[0]), y)) == std::vector<double>{0, 0, 0});
}

TEST_CASE("the gradient of its gradient") {
  int runs = 0;
  Tape tape;
  const auto x = tape.variable<Order::higher>(numbers(1));
  const auto outputs = apply_list(Scale{&runs}, list_of(x));
  const auto slope = tape.recorded_gradient(sum(outputs[0] * outputs[0] * outputs[0]), x);  // 24 x²
  CHECK(to_vector(slope.value()) == std::vector<double>{24, 96, 216});
  CHECK(to_vector(tape.gradient(sum(slope), x)) == std::vector<double>{48, 96, 144});
}
