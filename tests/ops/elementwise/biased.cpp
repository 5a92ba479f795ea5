// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/ops/elementwise/biased.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("a function of a sum with a bias is that of each element and its channel's number", T, float,
                   double) {
  for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{5, 7}, Shape{2, 3, 16}}) {
    const auto x = random<T>(shape), b = random<T>({shape.back()}, 2);
    const auto y = biased(function::Tanh{}, x, b);
    CHECK(y.shape() == shape);
    for (Index i = 0; i < x.size(); ++i) {
      const double sum = double(x.data()[i]) + double(b.data()[i % shape.back()]);
      CHECK(double(y.data()[i]) == doctest::Approx(std::tanh(sum)).epsilon(1e-6));
    }
  }
}

TEST_CASE("gradients of a function of a sum with a bias are exact, of functions known by their result or not") {
  const auto x = random<double>({5, 7}), b = random<double>({7}, 2);
  const auto check = [&](const auto& function) {
    const auto f = [&](const auto& v, const auto& bias) { return biased(function, v, bias); };
    CHECK(gradient_error(f, x, b) < 1e-6);
    CHECK(second_gradient_error(f, x, b) < 1e-6);
  };
  check(function::Tanh{});
  check(function::Gelu{});
}

TEST_CASE("the mean of a function is the mean of its values, and has their gradient") {
  const auto x = random<double>({5, 7});
  const auto f = [](const auto& v) { return mean_of(function::Softplus{}, v); };
  CHECK(f(x).item() == mean(softplus(x)).item());
  CHECK(gradient_error(f, x) < 1e-6);
}

TEST_CASE("a bias of another number of channels is refused") {
  const auto x = random<double>({5, 7});
  CHECK_THROWS_WITH_AS(biased(function::Relu{}, x, random<double>({5})), "biased: bias (5) for (5, 7)", Error);
}
