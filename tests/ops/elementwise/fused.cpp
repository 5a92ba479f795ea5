// SPDX-License-Identifier: MIT
#include <flipbook/ops/elementwise/fused.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

namespace {

// a² b − c
struct Example {
  static constexpr bool twice = true;
  template <class V>
  V value(const V& a, const V& b, const V& c) const {
    return a * a * b - c;
  }
  template <int I, class V>
  auto derivative(const V& a, const V& b, const V& c) const {
    if constexpr (I == 0) return (a + a) * b;
    else if constexpr (I == 1) return a * a;
    else return c * 0 - 1;
  }
};
struct Once : Example {
  static constexpr bool twice = false;
};

const auto example = [](const auto& a, const auto& b, const auto& c) { return fused("example", Example{}, a, b, c); };

}  // namespace

TEST_CASE_TEMPLATE("a fused function is its formula at every place", T, float, double) {
  for (const Index size : {1, 7, 1031, 20011}) {
    Rng rng{1};
    const auto a = normal<T>({size}, rng), b = normal<T>({size}, rng), c = normal<T>({size}, rng);
    const auto y = example(a, b, c);
    for (Index i = 0; i < size; ++i) {
      CHECK(y.data()[i] == doctest::Approx(a.data()[i] * a.data()[i] * b.data()[i] - c.data()[i]).epsilon(1e-5));
    }
  }
}

TEST_CASE("its first and second gradients agree with finite differences") {
  Rng rng{1};
  for (const Shape& shape : {Shape{}, Shape{1, 3}, Shape{17}}) {
    const auto a = normal<double>(shape, rng), b = normal<double>(shape, rng), c = normal<double>(shape, rng);
    CHECK(gradient_error(example, a, b, c) < 1e-7);
    CHECK(second_gradient_error(example, a, b, c) < 1e-7);
  }
}

TEST_CASE("one that is differentiable once says so when asked for more") {
  Tape tape;
  const auto x = tape.variable<Order::higher>(ones<double>({}));
  const auto slope = tape.recorded_gradient(fused("once", Once{}, x, x, x), x);
  CHECK(slope.item() == 2);
  CHECK_THROWS_AS(tape.gradient(slope, x), Error);
}

TEST_CASE("shapes that differ are refused by the operation's name") {
  CHECK_THROWS_WITH_AS(example(zeros<float>({2}), zeros<float>({2}), zeros<float>({3})),
                       "example: shapes (2) and (3) differ", Error);
}
