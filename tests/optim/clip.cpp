// SPDX-License-Identifier: MIT
#include <flipbook/optim/clip.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <flipbook/core/fill.hpp>
#include <flipbook/core/parallel.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("a long gradient is shortened to the limit, a short one is left alone", T, float, double) {
  Tensor<T> gradient({2}, {T(3), T(-4)});
  CHECK(optim::clip_norm(gradient, 10) == doctest::Approx(5));
  CHECK(to_vector(gradient) == std::vector<T>{3, -4});
  CHECK(optim::clip_norm(gradient, 1) == doctest::Approx(5));
  CHECK(gradient.data()[0] == doctest::Approx(0.6));
  CHECK(gradient.data()[1] == doctest::Approx(-0.8));
  Tensor<T> zero = zeros<T>({3});
  CHECK(optim::clip_norm(zero, 1) == 0);
  CHECK(to_vector(zero) == std::vector<T>(3, 0));
}

TEST_CASE_TEMPLATE("clipping does not depend on the number of threads", T, float, double) {
  const int before = threads();
  const auto clipped = [](int count) {
    set_threads(count);
    Rng rng{3};
    Tensor<T> gradient = normal<T>({50021}, rng);
    const double norm = optim::clip_norm(gradient, 1);
    CHECK(norm == doctest::Approx(std::sqrt(50021)).epsilon(0.02));
    return std::pair{norm, to_vector(gradient)};
  };
  CHECK(clipped(1) == clipped(3));
  set_threads(before);
}

TEST_CASE_TEMPLATE("a gradient that is not finite is reported and left as it is", T, float, double) {
  for (const T bad : {std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()}) {
    Tensor<T> gradient({3}, {T(2), bad, T(1)});
    CHECK(!std::isfinite(optim::clip_norm(gradient, 1)));
    CHECK(gradient.data()[0] == T(2));
  }
}

TEST_CASE_TEMPLATE("clipped weights lie within the limit, the others are as they were", T, float, double) {
  Rng rng{2};
  const Tensor<T> before = normal<T>({1031}, rng);
  Tensor<T> weights = before.clone();
  optim::clip_weights(weights, 0.5);
  for (Index i = 0; i < weights.size(); ++i) {
    const T x = before.data()[i];
    CHECK(weights.data()[i] == (x > T(0.5) ? T(0.5) : x < T(-0.5) ? T(-0.5) : x));
  }
}

TEST_CASE("a limit that is not positive is refused") {
  CHECK_THROWS_AS(optim::clip_norm(ones<float>({2}), 0), Error);
  CHECK_THROWS_AS(optim::clip_weights(ones<float>({2}), -1), Error);
}
