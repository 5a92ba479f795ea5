// SPDX-License-Identifier: MIT
#include <flipbook/metrics/kernel_distance.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using metrics::KernelDistance;

static_assert(metrics::Criterion<KernelDistance>);

namespace {
Tensor<float> features(const Shape& shape, std::uint64_t seed, float shift = 0) {
  Rng rng{seed};
  auto x = normal<float>(shape, rng);
  for (float& element : x) element += shift;
  return x;
}
}  // namespace

TEST_CASE("it is the estimate worked out by hand") {
  // D = 1: k(1, 2) = 27, k(0, 1) = 1, and between 1 + 8 + 1 + 27 for pairs with 0 and 1.
  KernelDistance distance;
  distance.add(Tensor<double>({2, 1}, {1, 2}), Tensor<double>({2, 1}, {0, 1}));
  CHECK(distance.value() == doctest::Approx(27 + 1 - 2 * (1 + 8 + 1 + 27) / 4.0));
  KernelDistance wide;  // D = 2: x·y / 2
  wide.add(Tensor<float>({2, 2}, {1, 1, 1, 3}), Tensor<float>({2, 2}, {0, 0, 2, 0}));
  CHECK(wide.value() == doctest::Approx(27 + 1 - 2 * (1 + 8 + 1 + 8) / 4.0));
}

TEST_CASE("samples of one distribution are 0 apart on average, and others are not") {
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    KernelDistance distance;
    distance.add(features({10, 4}, 2 * seed), features({12, 4}, 2 * seed + 1));
    sum += distance.value() / 100;
  }
  CHECK(std::abs(sum) < 0.2);
  KernelDistance distance;
  distance.add(features({50, 4}, 1), features({50, 4}, 2, 1));
  CHECK(distance.value() > 2);
}

TEST_CASE("shards joined are the whole") {
  const auto x = features({19, 11}, 1), y = features({19, 11}, 2, 1);
  test::check_shards(KernelDistance{}, x, y);
  KernelDistance one, apart;
  one.add(x, y.slice(0, 9));
  apart.add_generated(x), apart.add_real(y.slice(0, 9));
  CHECK(apart.value() == one.value());
}

TEST_CASE("what does not fit is refused") {
  KernelDistance distance;
  CHECK_THROWS_AS(distance.add(features({4, 3}, 1), features({4, 2}, 1)), Error);
  distance.add(features({1, 3}, 1), features({4, 3}, 1));
  CHECK(test::error_of([&] { distance.value(); }) ==
        "KernelDistance.value: needs two of each, has 1 generated and 4 real");
}
