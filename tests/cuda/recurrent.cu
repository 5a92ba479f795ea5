// SPDX-License-Identifier: MIT
#include <flipbook/ops/recurrent/gru.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>
#include <flipbook/ops/reduce/sum.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

const std::vector<Shape> shapes{{1, 1}, {0, 4}, {3, 5}, {2, 3, 8}, {5, 67}, {17, 64}};

template <class X>
X like(const X& x) {
  return X(x.shape());
}

const auto lstm_of = [](LstmOrder order) {
  return [=]<class T, class B>(const Tensor<T, B>& gates, const Tensor<T, B>& c, const Tensor<T, B>& d_next) {
    auto next = like(d_next), d_gates = like(gates), d_c = like(c);
    const std::span<const Tensor<T, B>> one(&gates, 1);
    kernel::lstm(B{}, order, next, one, c);
    kernel::lstm_gradient(B{}, order, d_gates, d_c, one, c, d_next[0], d_next[1]);
    return std::tuple{next, d_gates, d_c};
  };
};
/// Of gates that are a sum, and their gradients.
const auto lstm_of_sum = []<class T, class B>(const Tensor<T, B>& x_gates, const Tensor<T, B>& h_gates,
                                              const Tensor<T, B>& c, const Tensor<T, B>& d_next) {
  Tape tape;
  const auto x = tape.variable(x_gates), h = tape.variable(h_gates), state = tape.variable(c);
  const auto next = lstm_update(x, h, state);
  const auto y = sum(next[0] * tape.constant(d_next[0])) + sum(next[1] * tape.constant(d_next[1]));
  const auto gradient = [&](const auto& of) { return tape.gradient(y, of, {.retain_graph = true}); };
  return std::tuple{next[0].value(), next[1].value(), gradient(x), gradient(h), gradient(state)};
};
const auto gru = []<class T, class B>(const Tensor<T, B>& x_gates, const Tensor<T, B>& h_gates, const Tensor<T, B>& h,
                                      const Tensor<T, B>& dy) {
  auto next = like(h), d_x_gates = like(x_gates), d_h_gates = like(h_gates), d_h = like(h);
  kernel::gru(B{}, next, x_gates, h_gates, h);
  kernel::gru_gradient(B{}, d_x_gates, d_h_gates, d_h, x_gates, h_gates, h, dy);
  return std::tuple{next, d_x_gates, d_h_gates, d_h};
};

}  // namespace

TEST_CASE_TEMPLATE("a step of a recurrent cell and its gradients are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const Shape& shape : shapes) {
    CAPTURE(to_string(shape));
    const auto gates = [&](Index count, std::uint64_t seed) {
      return affine(random<double>(shape.with_tail(1, {count * shape[-1]}), seed), 2, 0);
    };
    Shape both{2};
    for (const Index extent : shape) both.push_back(extent);
    const auto state = random<double>(shape), d_next = random<double>(both, 2), dy = random<double>(shape, 3);
    CHECK(disagreement<T>(lstm_of({}), gates(4, 4), state, d_next) < device_tolerance<T>);
    CHECK(disagreement<T>(lstm_of({3, 1, 0, 2}), gates(4, 5), state, d_next) < device_tolerance<T>);
    if (shape.size() > 0)
      CHECK(disagreement<T>(lstm_of_sum, gates(4, 8), gates(4, 9), state, d_next) < device_tolerance<T>);
    CHECK(disagreement<T>(gru, gates(3, 6), gates(3, 7), state, dy) < device_tolerance<T>);
  }
}
