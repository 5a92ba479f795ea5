// SPDX-License-Identifier: MIT
#include <flipbook/loss/elbo.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <flipbook/testing/gradients.hpp>
#include <flipbook/latent/diagonal_gaussian.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("the bound is the likelihood less beta times the divergence of each sample", T, float, double) {
  const Tensor<T> log_likelihood({2}, {-10, -20}), kl({2, 1, 2}, {1, 2, 3, 4});
  CHECK(to_vector(loss::elbo(log_likelihood, kl)) == std::vector<T>{-13, -27});
  CHECK(to_vector(loss::elbo(log_likelihood, kl, {.beta = 2})) == std::vector<T>{-16, -34});
  CHECK(to_vector(loss::elbo(log_likelihood, Tensor<T>({2}, {3, 7}))) == std::vector<T>{-13, -27});
}

TEST_CASE_TEMPLATE("with free bits the batch's average counts each latent number at its mean or the free bits", T,
                   float, double) {
  const Tensor<T> log_likelihood({2}, {0, 0}), kl({2, 3}, {T(0.1), 1, 0, T(0.3), 2, T(0.9)});  // means 0.2, 1.5, 0.45
  const auto bound = loss::elbo(log_likelihood, kl, {.free_bits = 0.4});
  CHECK(mean(bound).item() == doctest::Approx(-(0.4 + 1.5 + 0.45)));

  Tape tape;
  const auto variable = tape.variable(kl);
  const auto slope = tape.gradient(sum(loss::elbo(log_likelihood, variable, {.free_bits = 0.4})), variable);
  CHECK(to_vector(slope) == std::vector<T>{0, -1, -1, 0, -1, -1});
}

TEST_CASE("gradients agree with finite differences") {
  Rng rng{2};
  const auto log_likelihood = normal<double>({5}, rng), kl = uniform<double>({5, 3}, rng);
  const auto bound = [](const auto& l, const auto& k) { return loss::elbo(l, k, {.beta = 3, .free_bits = 0.5}); };
  CHECK(gradient_error(bound, log_likelihood, kl) < 1e-7);
  CHECK(gradient_error([](const auto& w) { return loss::importance_weighted_bound(w); }, normal<double>({3, 7}, rng)) <
        1e-7);
}

TEST_CASE_TEMPLATE("equal weights are their own bound, and one outweighs many that are negligible", T, float, double) {
  CHECK(loss::importance_weighted_bound(full<T>({1, 5}, T(-1e4))).item() == doctest::Approx(-1e4));
  CHECK(loss::importance_weighted_bound(Tensor<T>({1, 4}, {T(-1e4), 3, T(-1e4), T(-1e4)})).item() ==
        doctest::Approx(3 - std::log(4)));
}

// p(z) = N(0, 1), p(x | z) = N(z, 1): p(x) = N(0, 2) and the posterior N(x/2, 1/2) are known.
TEST_CASE_TEMPLATE("the bound is log p(x) under the true posterior, and below it, rising with K, under another", T,
                   float, double) {
  using Latent = latent::DiagonalGaussian<1>;
  constexpr Index samples = 2000, count = 64;
  const double x = 1.3, log_p = -0.25 * x * x - 0.5 * std::log(4 * std::numbers::pi);
  const auto average_bound = [&](double mean_of_q, double variance, Index k) {
    const latent::Normal<Tensor<T>> q{full<T>({samples * k, 1}, static_cast<T>(mean_of_q)),
                                      full<T>({samples * k, 1}, static_cast<T>(std::log(variance)))};
    Rng rng{6};
    const auto z = Latent::sample(q, rng);
    const auto likelihood = likelihood::FixedGaussian<1.0>::log_prob(z, full<T>({samples * k, 1}, static_cast<T>(x)));
    const auto log_weights = likelihood + Latent::prior_log_prob(z) - Latent::log_prob(q, z);
    return static_cast<double>(mean(loss::importance_weighted_bound(log_weights.reshape({samples, k}))).item());
  };
  CHECK(average_bound(x / 2, 0.5, 1) == doctest::Approx(log_p).epsilon(1e-4));
  const double one = average_bound(0, 1, 1), many = average_bound(0, 1, count);
  CHECK(one < log_p - 0.2);
  CHECK(many > one + 0.2);
  CHECK(many == doctest::Approx(log_p).epsilon(0.02));

  // With K = 1 it is an estimate of the ELBO, here E log p(x | z) − KL = −½ log 2π − ½ (x² + 1) for q = N(0, 1).
  CHECK(one == doctest::Approx(-0.5 * std::log(2 * std::numbers::pi) - 0.5 * (x * x + 1)).epsilon(0.05));
}

TEST_CASE("samples that do not pair up, and settings below zero, are refused") {
  const auto two = zeros<float>({2});
  CHECK_THROWS_AS(loss::elbo(two, zeros<float>({3, 4})), Error);
  CHECK_THROWS_AS(loss::elbo(zeros<float>({2, 1}), zeros<float>({2, 4})), Error);
  CHECK_THROWS_AS(loss::elbo(two, two, {.beta = -1}), Error);
  CHECK_THROWS_AS(loss::elbo(two, two, {.free_bits = -1}), Error);
  CHECK_THROWS_AS(loss::importance_weighted_bound(zeros<float>({2, 0})), Error);
}
