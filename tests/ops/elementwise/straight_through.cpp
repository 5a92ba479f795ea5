// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/testing/gradients.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE("straight through goes the value of one, to the bit, and the gradient of the other") {
  const auto x = random<float>({3, 17}), value = round(x * 1e-3) + 0.1F;  // x + (value − x) is not value
  CHECK_FALSE(same(x + (value - x), value));
  CHECK(same(straight_through(value, x), value));
  Tape tape;
  const auto v = tape.variable(x), w = tape.variable(value);
  const auto y = straight_through(w, v);
  CHECK(same(y.value(), value));
  const auto loss = sum(square(y));
  CHECK(same(tape.gradient(loss, v, {.retain_graph = true}), value * 2));
  CHECK(same(tape.gradient(loss, w), zeros<float>({3, 17})));
}

TEST_CASE("a function behind a straight-through estimator has the gradient that it has at the value") {
  const auto x = random<double>({5}, 2);
  const auto through = [](const auto& v) { return sin(straight_through(stop_gradient(v * 1), v)); };
  CHECK(gradient_error([](const auto& v) { return sin(v); }, x) < 1e-7);
  Tape tape;
  const auto v = tape.variable<Order::higher>(x);
  const auto slope = tape.recorded_gradient(sum(through(v)), v);
  CHECK(difference(slope.value(), cos(x)) < 1e-14);
  CHECK(difference(tape.gradient(sum(slope), v), -sin(x)) < 1e-14);
}

TEST_CASE("a value of another shape is refused") {
  CHECK(error_of([] { (void)straight_through(zeros<float>({2}), zeros<float>({3})); }) ==
        "straight_through: a value of shape (2) for x of shape (3)");
}
