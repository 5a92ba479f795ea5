// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <tuple>

#include <flipbook/core/random.hpp>
#include <flipbook/loss/feature_distance.hpp>
#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

namespace {

/// The definition, in double.
template <class T>
double plain(const Tensor<T>& a, const Tensor<T>& b) {
  const Index channels = a.extent(-1), places = a.size() / channels;
  double total = 0;
  for (Index i = 0; i < places; ++i) {
    double of_a = 0, of_b = 0;
    for (Index c = 0; c < channels; ++c) {
      of_a += std::pow(double(a.data()[i * channels + c]), 2);
      of_b += std::pow(double(b.data()[i * channels + c]), 2);
    }
    for (Index c = 0; c < channels; ++c) {
      const double difference =
          double(a.data()[i * channels + c]) / std::sqrt(of_a) - double(b.data()[i * channels + c]) / std::sqrt(of_b);
      total += difference * difference;
    }
  }
  return total / double(places);
}

}  // namespace

TEST_CASE_TEMPLATE("features are compared by their direction at each place", T, float, double) {
  Rng rng{1};
  for (const Shape& shape : {Shape{1, 1}, Shape{2, 3, 5}, Shape{3, 2, 4, 7}, Shape{1, 2, 3, 2, 17}}) {
    const auto a = normal<T, Cpu>(shape, rng), b = normal<T, Cpu>(shape, rng);
    const double found = double(loss::feature_distance(a, b).item());
    CHECK(found == doctest::Approx(plain(a, b)).epsilon(1e-5).scale(1e-5));
    CHECK(double(loss::feature_distance(a, a).item()) == 0);
    CHECK(double(loss::feature_distance(T(3) * a, b).item()) == doctest::Approx(found).epsilon(1e-4).scale(1e-5));
  }
  const auto up = full<T>({1, 4}, T(1)), down = full<T>({1, 4}, T(-1));
  CHECK(double(loss::feature_distance(up, down).item()) == doctest::Approx(4));  // opposite unit vectors
}

TEST_CASE("several layers are added up") {
  Rng rng{2};
  const auto a = normal<double, Cpu>({2, 3, 5}, rng), b = normal<double, Cpu>({2, 3, 5}, rng);
  const auto c = normal<double, Cpu>({2, 4}, rng), d = normal<double, Cpu>({2, 4}, rng);
  CHECK(loss::feature_distance(std::tuple{a, c}, std::tuple{b, d}).item() ==
        doctest::Approx(plain(a, b) + plain(c, d)).epsilon(1e-8));
}

TEST_CASE("its gradient is that of finite differences") {
  Rng rng{3};
  const auto a = normal<double, Cpu>({2, 3, 5}, rng), b = normal<double, Cpu>({2, 3, 5}, rng);
  CHECK(gradient_error([&](const auto& x) { return loss::feature_distance(x, b); }, a) < 1e-6);
}

TEST_CASE("features of other shapes, or of nothing, are refused") {
  CHECK_THROWS_WITH_AS(loss::feature_distance(zeros<float>({2, 3}), zeros<float>({2, 4})),
                       "feature_distance: features (2, 3) and (2, 4) must be of one shape and not empty", Error);
  CHECK_THROWS_AS(loss::feature_distance(zeros<float>({0, 3}), zeros<float>({0, 3})), Error);
}
