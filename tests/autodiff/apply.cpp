// SPDX-License-Identifier: MIT
#include <flipbook/autodiff/apply.hpp>

#include <doctest/doctest.h>

#include <type_traits>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

using namespace flipbook;

namespace {
template <class T>
Tensor<T> three() {
  return Tensor<T>({3}, {1, -2, 3});
}
}  // namespace

TEST_CASE_TEMPLATE("an operation is recorded where an operand is, on that one's tape", T, float, double) {
  Tape unused, tape;
  const auto x = tape.variable(three<T>());
  const auto y = apply(Multiply{}, unused.constant(three<T>()), x);
  CHECK(&y.tape() == &tape);
  CHECK(recorded(y));
  CHECK(to_vector(tape.gradient(sum(y), x)) == to_vector(three<T>()));
  CHECK(to_vector(apply(Multiply{}, three<T>(), three<T>())) == std::vector<T>{1, 4, 9});
  CHECK(unused.nodes() == 0);
}

TEST_CASE("lift_like makes a tensor what the other value is") {
  Tape tape;
  const auto x = tape.variable<Order::higher>(three<double>());
  const auto beside = lift_like(x, three<double>());
  static_assert(std::is_same_v<std::remove_cvref_t<decltype(beside)>, Variable<double, Cpu, Order::higher>>);
  CHECK(&beside.tape() == &tape);
  CHECK_FALSE(recorded(beside));
  static_assert(std::is_same_v<decltype(lift_like(three<double>(), three<double>())), Tensor<double>>);
}

TEST_CASE("stop_gradient lets the value through and the gradient not") {
  Tape tape;
  const auto x = tape.variable(three<double>());
  CHECK(to_vector(tape.gradient(sum(stop_gradient(x) * x), x)) == to_vector(three<double>()));
}
