// SPDX-License-Identifier: MIT
#include <flipbook/ops/recurrent/gru.hpp>
#include <flipbook/ops/recurrent/lstm.hpp>

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
    kernel::lstm(B{}, order, next, gates, c);
    kernel::lstm_gradient(B{}, order, d_gates, d_c, gates, c, d_next);
    return std::tuple{next, d_gates, d_c};
  };
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
    CHECK(disagreement<T>(gru, gates(3, 6), gates(3, 7), state, dy) < device_tolerance<T>);
  }
}
