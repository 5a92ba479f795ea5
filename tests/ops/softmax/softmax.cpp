// SPDX-License-Identifier: MIT
#include <flipbook/ops/softmax/softmax.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

// log Σ exp of every row, by the definition, in double.
template <class T>
Tensor<T> plain_log_sum_exp(const Tensor<T>& x) {
  return tabulated<T>(x.shape().with_tail(1, {1}), [&](Indices i) {
    double total = 0;
    auto& last = i[static_cast<std::size_t>(x.rank() - 1)];
    for (last = 0; last < x.extent(-1); ++last) total += std::exp(static_cast<double>(at(x, i)));
    return std::log(total);
  });
}

}  // namespace

TEST_CASE_TEMPLATE("softmax, its logarithm and its normaliser follow their definitions", T, float, double) {
  for (const Shape& shape :
       {Shape{1}, Shape{3}, Shape{5, 7}, Shape{2, 3, 16}, Shape{4, 67}, Shape{3, 1}, Shape{2, 1031}}) {
    const auto x = random<T>(shape);
    const auto normaliser = plain_log_sum_exp(x);
    CHECK(difference(log_sum_exp(x), normaliser) < tolerance<T>);
    CHECK(log_sum_exp(x, true).shape() == shape.with_tail(1, {}));
    CHECK(difference(log_softmax(x), x - normaliser) < tolerance<T>);
    CHECK(difference(softmax(x), exp(x - normaliser)) < tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("large and infinite logits neither overflow nor turn into NaN", T, float, double) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  const Tensor<T> x({3}, {T(10000), T(10001), T(-10000)});
  CHECK(log_sum_exp(x).item() == doctest::Approx(10001.3132617));
  CHECK(log_softmax(x).data()[2] == doctest::Approx(-20001.3132617));
  CHECK(softmax(x).data()[0] == doctest::Approx(0.26894142));
  const Tensor<T> masked({3}, {T(1), -inf, T(1)});
  CHECK(to_vector(softmax(masked)) == std::vector<T>{T(0.5), 0, T(0.5)});
  CHECK(log_softmax(masked).data()[1] == -inf);
  CHECK(log_sum_exp(Tensor<T>({2}, {-inf, -inf})).item() == -inf);
  CHECK(log_sum_exp(Tensor<T>({2}, {inf, 0})).item() == inf);
  CHECK(log_sum_exp(Tensor<T>({2, 0})).shape() == Shape{2, 1});
}

TEST_CASE("gradients of the softmax family are exact to second order") {
  for (const Shape& shape : {Shape{1}, Shape{2, 3}, Shape{3, 11}}) {
    const auto x = random<double>(shape);
    const auto p = [](const auto& v) { return softmax(v); };
    const auto log_p = [](const auto& v) { return log_softmax(v); };
    const auto normaliser = [](const auto& v) { return log_sum_exp(v, true); };
    CHECK(gradient_error(p, x) < 1e-8);
    CHECK(second_gradient_error(p, x) < 1e-6);
    CHECK(gradient_error(log_p, x) < 1e-8);
    CHECK(second_gradient_error(log_p, x) < 1e-6);
    CHECK(gradient_error(normaliser, x) < 1e-8);
    CHECK(second_gradient_error(normaliser, x) < 1e-6);
  }
}

TEST_CASE("a masked logit has gradient zero") {
  Tape tape;
  const auto x = tape.variable(Tensor<double>({3}, {1, -std::numeric_limits<double>::infinity(), 2}));
  const auto gradient = tape.gradient(log_sum_exp(x, true), x);
  CHECK(gradient.data()[1] == 0);
  CHECK(sum(gradient).item() == doctest::Approx(1));
}

TEST_CASE("a single number is refused") {
  CHECK(error_of([] { softmax(Tensor<float>(Shape{})); }) == "softmax: a single number has no axis");
  CHECK(error_of([] { log_softmax(Tensor<float>(Shape{})); }) == "log_softmax: a single number has no axis");
  CHECK(error_of([] { log_sum_exp(Tensor<float>(Shape{})); }) == "log_sum_exp: a single number has no axis");
}
