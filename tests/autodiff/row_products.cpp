// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/testing/gradients.hpp>
#include "../ops/tensors.hpp"

using namespace flipbook;
using test::difference;
using test::random;

namespace {

/// dL/dw of L = Σ_t Σ (x_t·w + b)² for steps x_t of some rows each, as a recurrent network uses a weight.
template <class T>
Tensor<T> by_steps(const Tensor<T>& x, const Tensor<T>& w, Index rows) {
  Tape tape;
  const auto weight = tape.variable(w);
  auto loss = sum(square(weight));  // whose gradient is no product
  for (Index first = 0; first < x.extent(0); first += rows) {
    const Index last = std::min(first + rows, x.extent(0));
    loss = loss + sum(square(linear(tape.constant(slice(x, 0, first, last)), weight)));
  }
  return tape.gradient(loss, weight);
}

}  // namespace

TEST_CASE_TEMPLATE("the gradient of a weight that is used at every step is the sum over the steps", T, float, double) {
  for (const Shape& shape : {Shape{1, 1}, Shape{31, 47}, Shape{64, 96}}) {
    const auto x = random<T>({53, shape[0]}, 1), w = random<T>(shape, 2);
    const auto at_once = by_steps(x, w, 53);
    for (const Index rows : {1, 2, 5, 20}) CHECK(difference(by_steps(x, w, rows), at_once) < 1e-5);
  }
}

TEST_CASE("a weight's gradient over steps agrees with difference quotients, to the second order") {
  const auto x = random<double>({6, 9}, 1);
  const auto f = [&](const auto& w) {
    auto all = square(linear(x.slice(0, 1), w));
    for (Index t = 1; t < 6; ++t) all = all + square(linear(x.slice(t, t + 1), w));
    return all;
  };
  const auto w = random<double>({9, 11}, 2);
  CHECK(gradient_error(f, w) < 1e-6);
  CHECK(second_gradient_error(f, w) < 1e-5);
}

TEST_CASE("what waits is no more than half the gradient, and is no longer there once it was taken") {
  const Shape shape{24, 40};
  RowProducts<float, Cpu> waiting;
  CHECK(waiting.most_rows(shape) * (shape[0] + shape[1]) <= shape.size() / 2);
  CHECK(waiting.most_rows(Shape{24}) == 0);
  const auto multiply = [](const Tensor<float>& a, const Tensor<float>& b) { return matmul(a, b, {.a = true}); };
  const auto a = random<float>({5, 24}, 1), b = random<float>({5, 40}, 2);
  waiting.add({a.slice(0, 2), b.slice(0, 2), multiply});
  waiting.add({a.slice(2, 5), b.slice(2, 5), multiply});
  CHECK(waiting.rows() == 5);
  CHECK(difference(waiting.take(), multiply(a, b)) == 0);
  CHECK(waiting.empty());
  CHECK(waiting.rows() == 0);
}

TEST_CASE("a differentiation asked for again gives the same gradient") {
  const auto x = random<float>({4, 32}, 1);
  Tape tape;
  const auto w = tape.variable(random<float>({32, 48}, 2));
  auto loss = sum(square(linear(tape.constant(x.slice(0, 2)), w)));
  loss = loss + sum(square(linear(tape.constant(x.slice(2, 4)), w)));
  const auto once = tape.gradient(loss, w, {.retain_graph = true});
  CHECK(difference(tape.gradient(loss, w), once) == 0);
}
