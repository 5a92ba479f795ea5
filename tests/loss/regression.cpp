// SPDX-License-Identifier: MIT
#include <flipbook/loss/regression.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("squared and absolute errors are averaged over all elements", T, float, double) {
  const Tensor<T> x({2, 2}, {1, 2, 3, 4}), target({2, 2}, {1, 0, 4, 4});
  CHECK(loss::mse(x, target).item() == doctest::Approx(1.25));
  CHECK(loss::mae(x, target).item() == doctest::Approx(0.75));
}

TEST_CASE_TEMPLATE("cross-entropies are their formulas, averaged", T, float, double) {
  const Tensor<T> logits({2, 3}, {T(1), T(-1), T(0.5), T(2), T(0), T(0)});
  const Tensor<std::int32_t> target({2}, {2, 1});
  const double first = std::log(std::exp(1) + std::exp(-1) + std::exp(0.5)) - 0.5, second = std::log(std::exp(2) + 2);
  CHECK(static_cast<double>(loss::cross_entropy(logits, target).item()) == doctest::Approx((first + second) / 2));

  const Tensor<T> soft({2, 3}, {0, 1, T(0.25), T(0.5), 0, 1});
  double expected = 0;
  for (Index i = 0; i < 6; ++i) {
    const double p = 1 / (1 + std::exp(-static_cast<double>(logits.data()[i]))),
                 t = static_cast<double>(soft.data()[i]);
    expected -= (t * std::log(p) + (1 - t) * std::log(1 - p)) / 6;
  }
  CHECK(static_cast<double>(loss::binary_cross_entropy_with_logits(logits, soft).item()) == doctest::Approx(expected));
}

TEST_CASE_TEMPLATE("logits of ten thousand cost ten thousand, not infinity", T, float, double) {
  const T large = T(1e4);
  CHECK(loss::cross_entropy(Tensor<T>({1, 2}, {large, 0}), Tensor<std::int32_t>({1}, {1})).item() == large);
  CHECK(loss::cross_entropy(Tensor<T>({1, 2}, {large, -large}), Tensor<std::int32_t>({1}, {1})).item() == 2 * large);
  CHECK(loss::cross_entropy(Tensor<T>({1, 2}, {large, -large}), Tensor<std::int32_t>({1}, {0})).item() == 0);
  CHECK(loss::binary_cross_entropy_with_logits(Tensor<T>({2}, {large, -large}), Tensor<T>({2}, {0, 1})).item() ==
        large);
  CHECK(loss::binary_cross_entropy_with_logits(Tensor<T>({2}, {large, -large}), Tensor<T>({2}, {1, 0})).item() == 0);
}

TEST_CASE("gradients agree with finite differences") {
  Rng rng{2};
  const auto x = normal<double>({7, 3}, rng), y = normal<double>({7, 3}, rng), t = uniform<double>({7, 3}, rng);
  const Tensor<std::int32_t> target({7}, {0, 1, 2, 0, 1, 2, 1});
  CHECK(gradient_error([](const auto& a, const auto& b) { return loss::mse(a, b); }, x, y) < 1e-7);
  CHECK(gradient_error([](const auto& a, const auto& b) { return loss::mae(a, b); }, x, y) < 1e-7);
  const auto binary = [](const auto& a, const auto& b) { return loss::binary_cross_entropy_with_logits(a, b); };
  CHECK(gradient_error(binary, x, t) < 1e-7);
  CHECK(second_gradient_error(binary, x, t) < 1e-7);
  const auto classes = [&](const auto& a) { return loss::cross_entropy(a, target); };
  CHECK(gradient_error(classes, x) < 1e-7);
  CHECK(second_gradient_error(classes, x) < 1e-7);
}

TEST_CASE("targets that do not fit, and none at all, are refused") {
  const auto x = zeros<float>({2, 3});
  CHECK_THROWS_WITH_AS(loss::mse(x, zeros<float>({3})),
                       "mse: prediction (2, 3) and target (3) must be of one shape and not empty", Error);
  CHECK_THROWS_AS(loss::mae(zeros<float>({0}), zeros<float>({0})), Error);
  CHECK_THROWS_AS(loss::binary_cross_entropy_with_logits(x, zeros<float>({2, 1})), Error);
  CHECK_THROWS_AS(loss::cross_entropy(x, Tensor<std::int32_t>({3}, {0, 0, 0})), Error);
  CHECK_THROWS_AS(loss::cross_entropy(x, Tensor<std::int32_t>({2}, {0, 3})), Error);
  CHECK_THROWS_AS(loss::cross_entropy(zeros<float>({0, 3}), Tensor<std::int32_t>(Shape{0})), Error);
}
