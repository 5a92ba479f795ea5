// SPDX-License-Identifier: MIT
#include <flipbook/latent/diagonal_gaussian.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>

using namespace flipbook;
using Latent = latent::DiagonalGaussian<3>;

namespace {

template <class T>
double average(const Tensor<T>& x) {
  return static_cast<double>(mean(x).item());
}

}  // namespace

TEST_CASE_TEMPLATE("means are the first channels, log-variances the last, within bounds", T, float, double) {
  const auto q = Latent::posterior(Tensor<T>({1, 6}, {1, 2, 3, 4, T(1e4), T(-1e4)}));
  CHECK(to_vector(q.mean) == std::vector<T>{1, 2, 3});
  CHECK(to_vector(q.log_variance) == std::vector<T>{4, 20, -30});
  CHECK(std::isfinite(Latent::kl(q).item()));
}

TEST_CASE_TEMPLATE("samples have the stated mean and variance, and come of the tape's stream in training", T, float,
                   double) {
  constexpr Index count = 20'000;
  const latent::Normal<Tensor<T>> q{full<T>({count, 3}, T(2)), full<T>({count, 3}, static_cast<T>(2 * std::log(0.5)))};
  Rng rng{3};
  const auto z = Latent::sample(q, rng);
  const double error = 0.5 / std::sqrt(3.0 * count);
  CHECK(std::abs(average(z) - 2) < 4 * error);
  CHECK(average(square(z - T(2))) == doctest::Approx(0.25).epsilon(4 * std::sqrt(2 / (3.0 * count))));

  Tape tape{Rng{3}};
  const auto recorded =
      Latent::sample(latent::Normal<Variable<T>>{tape.constant(q.mean), tape.constant(q.log_variance)});
  CHECK(to_vector(recorded.value()) == to_vector(z));
  CHECK(tape.rng() == rng);
  CHECK(Latent::prior_sample<T>(5, rng).shape() == Shape{5, 3});
}

TEST_CASE_TEMPLATE("a distribution does not diverge from itself, and others do", T, float, double) {
  Rng rng{4};
  const auto q = Latent::posterior(normal<T>({5, 6}, rng)), p = Latent::posterior(normal<T>({5, 6}, rng));
  for (const T kl : Latent::kl(q, q)) CHECK(std::abs(kl) < T(1e-5));
  for (const T kl : Latent::kl(q, p)) CHECK(kl > 0);
  const auto prior = Latent::posterior(zeros<T>({5, 6}));
  const auto short_form = to_vector(Latent::kl(q)), long_form = to_vector(Latent::kl(q, prior));
  for (std::size_t i = 0; i < 5; ++i) CHECK(short_form[i] == doctest::Approx(long_form[i]).epsilon(1e-5));
}

TEST_CASE_TEMPLATE("the divergence is the average of log q − log p over samples of q", T, float, double) {
  constexpr Index count = 40'000;
  Rng rng{5};
  const auto one = normal<T>({1, 6}, rng);
  const auto q = Latent::posterior(broadcast_to(one, {count, 6}));
  const auto p = Latent::posterior(broadcast_to(normal<T>({1, 6}, rng), {count, 6}));
  const auto z = Latent::sample(q, rng);
  const auto agrees = [&](const Tensor<T>& log_ratio, const Tensor<T>& kl) {
    const double error = std::sqrt(average(square(log_ratio - mean(log_ratio))) / count);
    CHECK(std::abs(average(log_ratio) - static_cast<double>(kl.data()[0])) < 4 * error);
  };
  agrees(Latent::log_prob(q, z) - Latent::log_prob(p, z), Latent::kl(q, p));
  agrees(Latent::log_prob(q, z) - Latent::prior_log_prob(z), Latent::kl(q));
}

TEST_CASE("gradients agree with finite differences, through the sample too") {
  Rng rng{6};
  const auto one = normal<double>({2, 5, 6}, rng), other = normal<double>({2, 5, 6}, rng);
  CHECK(gradient_error([](const auto& x) { return Latent::sample(Latent::posterior(x)); }, one) < 1e-7);
  CHECK(gradient_error([](const auto& x) { return Latent::kl(Latent::posterior(x)); }, one) < 1e-7);
  const auto between = [](const auto& x, const auto& y) {
    return Latent::kl(Latent::posterior(x), Latent::posterior(y));
  };
  CHECK(gradient_error(between, one, other) < 1e-7);
  CHECK(second_gradient_error(between, one, other) < 1e-6);
  const auto log_prob = [](const auto& x, const auto& z) { return Latent::log_prob(Latent::posterior(x), z); };
  CHECK(gradient_error(log_prob, one, normal<double>({2, 5, 3}, rng)) < 1e-7);
}

TEST_CASE("an encoding of another size is refused") {
  CHECK_THROWS_WITH_AS(Latent::posterior(zeros<float>({2, 5})),
                       "DiagonalGaussian: needs (N, …, 6) for 3 numbers, got (2, 5)", Error);
  CHECK_THROWS_AS(Latent::posterior(zeros<float>({6})), Error);
}
