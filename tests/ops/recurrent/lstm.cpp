// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/core/parallel.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>

using namespace flipbook;

namespace {

double sigma(double x) { return 1 / (1 + std::exp(-x)); }

const LstmOrder update_last{.input = 0, .forget = 1, .candidate = 3, .output = 2};

}  // namespace

TEST_CASE_TEMPLATE("one step of an LSTM follows its equations, whatever the order of the gates", T, float, double) {
  Rng rng{1};
  for (const LstmOrder order : {LstmOrder{}, update_last}) {
    for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{2, 7}, Shape{1, 16}, Shape{2, 3, 5, 19}, Shape{3, 64}}) {
      CAPTURE(to_string(shape));
      const Index hidden = shape.back();
      const auto gates = normal<T>(shape.with_tail(1, {4 * hidden}), rng), c = normal<T>(shape, rng);
      const auto [next_h, next_c] = lstm_update(gates, c, order);
      REQUIRE(next_h.shape() == shape);
      REQUIRE(next_c.shape() == shape);
      for (Index i = 0; i < c.size(); ++i) {
        const auto gate = [&](int which) {
          return gates.data()[i / hidden * 4 * hidden + which * hidden + i % hidden];
        };
        const double state =
            sigma(gate(order.forget)) * c.data()[i] + sigma(gate(order.input)) * std::tanh(gate(order.candidate));
        CHECK(next_c.data()[i] == doctest::Approx(state).epsilon(1e-5));
        CHECK(next_h.data()[i] == doctest::Approx(sigma(gate(order.output)) * std::tanh(state)).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("gradients of an LSTM's step agree with difference quotients, to the second order") {
  Rng rng{2};
  for (const LstmOrder order : {LstmOrder{}, update_last}) {
    for (const Shape& shape : {Shape{1, 1}, Shape{2, 3}, Shape{2, 2, 1, 9}}) {
      CAPTURE(to_string(shape));
      const auto gates = normal<double>(shape.with_tail(1, {4 * shape.back()}), rng), c = normal<double>(shape, rng);
      const auto both = [&](const auto& g, const auto& s) {
        const auto next = lstm_update(g, s, order);
        return next[0] * 2 + square(next[1]);
      };
      const auto hidden = [&](const auto& g, const auto& s) { return lstm_update(g, s, order)[0]; };
      const auto state = [&](const auto& g, const auto& s) { return lstm_update(g, s, order)[1]; };
      CHECK(gradient_error(both, gates, c) < 1e-7);
      CHECK(gradient_error(hidden, gates, c) < 1e-7);
      CHECK(gradient_error(state, gates, c) < 1e-7);
      CHECK(second_gradient_error(both, gates, c) < 1e-7);
    }
  }
}

TEST_CASE_TEMPLATE("an LSTM's step gives the same bits on any number of threads", T, float, double) {
  Rng rng{3};
  const auto gates = normal<T>({301, 4 * 37}, rng), c = normal<T>({301, 37}, rng);
  const int before = threads();
  set_threads(1);
  const auto alone = lstm_update(gates, c);
  set_threads(3);
  const auto together = lstm_update(gates, c);
  set_threads(before);
  CHECK(to_vector(alone[0]) == to_vector(together[0]));
  CHECK(to_vector(alone[1]) == to_vector(together[1]));
}

TEST_CASE("gates that do not fit the state are refused") {
  const auto c = zeros<float>({2, 3});
  CHECK_THROWS_WITH_AS(lstm_update(zeros<float>({2, 9}), c),
                       "lstm_update: gates (2, 9) for a cell state (2, 3); needs four for each of its units", Error);
  CHECK_THROWS_AS(lstm_update(zeros<float>({3, 12}), c), Error);
  CHECK_THROWS_AS(lstm_update(zeros<float>({12}), c), Error);
}
