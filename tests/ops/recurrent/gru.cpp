// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/ops/recurrent/gru.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("one step of a GRU follows its equations", T, float, double) {
  Rng rng{1};
  const auto sigma = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{2, 7}, Shape{1, 16}, Shape{2, 3, 5, 19}, Shape{3, 64}}) {
    CAPTURE(to_string(shape));
    const Index hidden = shape.back();
    const Shape gates = shape.with_tail(1, {3 * hidden});
    const auto x = normal<T>(gates, rng), h = normal<T>(gates, rng), before = normal<T>(shape, rng);
    const auto after = gru_update(x, h, before);
    REQUIRE(after.shape() == shape);
    for (Index i = 0; i < before.size(); ++i) {
      const Index row = i / hidden * 3 * hidden + i % hidden;
      const auto from_x = [&](int which) { return double(x.data()[row + which * hidden]); };
      const auto from_h = [&](int which) { return double(h.data()[row + which * hidden]); };
      const double r = sigma(from_x(0) + from_h(0)), z = sigma(from_x(1) + from_h(1));
      const double n = std::tanh(from_x(2) + r * from_h(2));
      CHECK(after.data()[i] == doctest::Approx((1 - z) * n + z * before.data()[i]).epsilon(1e-5));
    }
  }
}

TEST_CASE("gradients of a GRU's step agree with difference quotients, to the second order") {
  Rng rng{2};
  const auto step = [](const auto& x, const auto& h, const auto& before) { return gru_update(x, h, before); };
  for (const Shape& shape : {Shape{1, 1}, Shape{2, 3}, Shape{2, 1, 9}}) {
    CAPTURE(to_string(shape));
    const Shape gates = shape.with_tail(1, {3 * shape.back()});
    const auto x = normal<double>(gates, rng), h = normal<double>(gates, rng), before = normal<double>(shape, rng);
    CHECK(gradient_error(step, x, h, before) < 1e-7);
    CHECK(second_gradient_error(step, x, h, before) < 1e-7);
  }
}

TEST_CASE_TEMPLATE("a GRU's step gives the same bits on any number of threads", T, float, double) {
  Rng rng{3};
  const auto x = normal<T>({301, 3 * 37}, rng), h = normal<T>({301, 3 * 37}, rng), before = normal<T>({301, 37}, rng);
  const int count = threads();
  set_threads(1);
  const auto alone = gru_update(x, h, before);
  set_threads(3);
  const auto together = gru_update(x, h, before);
  set_threads(count);
  CHECK(to_vector(alone) == to_vector(together));
}

TEST_CASE("gates that do not fit the hidden state are refused") {
  const auto h = zeros<float>({2, 3}), gates = zeros<float>({2, 9});
  CHECK_THROWS_WITH_AS(
      gru_update(gates, zeros<float>({2, 8}), h),
      "gru_update: gates (2, 9) and (2, 8) for a hidden state (2, 3); needs three for each of its units", Error);
  CHECK_THROWS_AS(gru_update(zeros<float>({1, 9}), zeros<float>({1, 9}), h), Error);
}
