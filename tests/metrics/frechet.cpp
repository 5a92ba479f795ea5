// SPDX-License-Identifier: MIT
#include <flipbook/metrics/frechet.hpp>

#include <metrics/checks.hpp>

#include <limits>

#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/metrics/sprites.hpp>

using namespace flipbook;
using metrics::FeatureMoments;
using metrics::FrechetDistance;

static_assert(metrics::Criterion<FrechetDistance>);

namespace {

Tensor<float> features(const Shape& shape, std::uint64_t seed) {
  Rng rng{seed};
  return normal<float>(shape, rng);
}

double distance(const Tensor<float>& generated, const Tensor<float>& real) {
  FrechetDistance distance;
  distance.add(generated, real);
  return distance.value();
}

}  // namespace

TEST_CASE("in one dimension it is (m₁ − m₂)² + (s₁ − s₂)² of the samples") {
  const auto x = features({500, 1}, 1);
  auto y = features({400, 1}, 2);
  for (float& element : y) element = 2 + 3 * element;
  FeatureMoments of_x, of_y;
  of_x.add(x), of_y.add(y);
  const double means = of_x.mean()(0) - of_y.mean()(0);
  const double deviations = std::sqrt(of_x.covariance()(0, 0)) - std::sqrt(of_y.covariance()(0, 0));
  CHECK(distance(x, y) == doctest::Approx(means * means + deviations * deviations).epsilon(1e-9));
  CHECK(distance(x, y) == doctest::Approx(8).epsilon(0.2));
}

TEST_CASE("moments are those of all samples, however they were joined") {
  const Tensor<float> x({3, 2}, {1, 2, 3, 0, 5, 7});
  FeatureMoments moments;
  for (Index i = 0; i < 3; ++i) moments.add(x.slice(i, i + 1));
  CHECK(moments.count() == 3);
  CHECK(moments.mean()(0) == doctest::Approx(3));
  CHECK(moments.mean()(1) == doctest::Approx(3));
  const Eigen::MatrixXd covariance = moments.covariance();
  CHECK(covariance(0, 0) == doctest::Approx(4));
  CHECK(covariance(1, 1) == doctest::Approx(13));
  CHECK(covariance(0, 1) == doctest::Approx(5));
  CHECK(covariance(1, 0) == covariance(0, 1));
}

TEST_CASE("samples that are shifted, turned or few have the distance that they should") {
  const auto x = features({50, 5}, 1);
  auto shifted = x.clone(), mirrored = x.clone();
  for (Index i = 0; i < 50; ++i) shifted.data()[5 * i + 2] += 3;
  for (float& element : mirrored) element = -element;
  CHECK(std::abs(distance(x, x)) < 1e-6);
  CHECK(distance(x, shifted) == doctest::Approx(9).epsilon(1e-6));
  FeatureMoments moments;
  moments.add(x);
  CHECK(distance(x, mirrored) == doctest::Approx(4 * moments.mean().squaredNorm()).epsilon(1e-6));
  CHECK(std::abs(distance(features({3, 7}, 4), features({3, 7}, 4))) < 1e-5);  // covariances of rank 2
}

TEST_CASE("shards joined are the whole, and the two sides may come apart") {
  const auto x = features({9, 3}, 1), y = features({9, 3}, 2);
  FrechetDistance whole, one, other;
  whole.add(x, y);
  one.add_generated(x.slice(0, 4)), other.add_generated(x.slice(4, 9));
  other.add_real(y.slice(0, 1)), other.add_real(y.slice(1, 9));
  CHECK_THROWS_AS(one.value(), Error);
  one.merge(FrechetDistance{}), one.merge(other);
  test::check_close(one.value(), whole.value());
}

TEST_CASE("path statistics are features of clips with one sprite") {
  Rng rng{1};
  const MovingSprites source(uniform<float>({4, 9, 9}, rng), {.frames = 6, .canvas = 24, .sprites = 1});
  const auto real = batch_of(source, 0, 50), generated = batch_of(source, 50, 50);
  // [distance]
  metrics::FrechetDistance distance;                                                  // <flipbook/metrics/frechet.hpp>
  distance.add(metrics::path_statistics(generated), metrics::path_statistics(real));  // features (N, D), (M, D)
  const double motion = distance.value();
  // [/distance]
  CHECK(motion < 0.5);
}

TEST_CASE("what does not fit is refused") {
  FrechetDistance distance;
  const auto x = features({4, 3}, 1);
  CHECK(test::error_of([&] {
          distance.add(x, features({4, 2}, 2));
        }) == "FrechetDistance.add: generated (4, 3) and real (4, 2); needs (N, D) and (M, D)");
  distance.add_real(x);
  CHECK(test::error_of([&] {
          distance.add_generated(features({4, 2}, 2));
        }) == "FrechetDistance.add: generated (4, 2); needs (N, D) with D = 3, as before");
  distance.add_generated(x.slice(0, 1));
  CHECK(test::error_of([&] { distance.value(); }) ==
        "FrechetDistance.value: needs two of each, has 1 generated and 4 real");
  CHECK_THROWS_AS(distance.add_real(x[0]), Error);
  CHECK_THROWS_AS(distance.add_real(full<float>({2, 3}, std::numeric_limits<float>::quiet_NaN())), Error);
  FrechetDistance wider;
  wider.add_real(features({4, 5}, 3));
  CHECK_THROWS_AS(distance.merge(wider), Error);
}
