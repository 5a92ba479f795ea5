// SPDX-License-Identifier: MIT
#include <flipbook/latent/diagonal_gaussian.hpp>
#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/likelihood/categorical.hpp>
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>
#include <flipbook/likelihood/gaussian.hpp>
#include <flipbook/likelihood/laplace.hpp>
#include <flipbook/loss/adversarial.hpp>
#include <flipbook/loss/elbo.hpp>
#include <flipbook/loss/penalty.hpp>
#include <flipbook/loss/regression.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// Values and gradients of f(x…), of tensors and of variables.
template <class T, class F, class... X>
void check(const F& f, const X&... x) {
  CHECK(disagreement<T>(f, x...) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>(f, x...) < device_tolerance<T>);
}

const auto x = random<double>({3, 4, 5}), y = random<double>({3, 4, 5}, 2);

template <class Game, class T>
void check_game() {
  check<T>([](const auto& real, const auto& fake) { return Game::discriminator(real, fake); }, x, y);
  check<T>([](const auto& fake) { return Game::generator(fake); }, x);
}

/// log p of the data, its gradient in the parameters, and what is drawn with the same random numbers.
template <class Likelihood, class T, class Data>
void check_likelihood(const Tensor<double>& parameters, const Data& data) {
  check<T>(
      [&](const auto& p) {
        using P = std::remove_cvref_t<decltype(p)>;
        if constexpr (Real<typename Data::Scalar>) {
          return Likelihood::log_prob(p, to<typename P::Backend>(converted<typename P::Scalar>(data)));
        } else {
          return Likelihood::log_prob(p, to<typename P::Backend>(data));
        }
      },
      parameters);
  check<T>([](const auto& p) { return Likelihood::mean(p); }, parameters);
  const auto sample = [](const auto& p) {
    Rng rng{5};
    return Likelihood::sample(p, rng);
  };
  CHECK(disagreement<T>(sample, parameters) < device_tolerance<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("errors of predictions and their gradients are the CPU's", T, float, double) {
  check<T>([](const auto& a, const auto& b) { return loss::mse(a, b); }, x, y);
  check<T>([](const auto& a, const auto& b) { return loss::mae(a, b); }, x, y);
  check<T>([](const auto& a, const auto& b) { return loss::binary_cross_entropy_with_logits(a, b); }, x, sigmoid(y));
  check<T>(
      [](const auto& logits) {
        using B = typename std::remove_cvref_t<decltype(logits)>::Backend;
        return loss::cross_entropy(logits, to<B>(Tensor<std::int32_t>({3, 4}, {0, 4, 2, 2, 1, 3, 0, 0, 4, 1, 2, 3})));
      },
      x);
}

TEST_CASE_TEMPLATE("games and their gradients are the CPU's", T, float, double) {
  check_game<loss::Minimax, T>();
  check_game<loss::NonSaturating, T>();
  check_game<loss::LeastSquares, T>();
  check_game<loss::Hinge, T>();
  check_game<loss::Wasserstein, T>();
}

TEST_CASE_TEMPLATE("penalties on a slope, and their gradients, are the CPU's", T, float, double) {
  const auto w = random<double>({5}, 4);
  const auto slopes = [](const auto& penalty) {
    return [=](const auto& weight) {
      using V = std::remove_cvref_t<decltype(weight)>;
      const auto here = [](const Tensor<double>& v) {
        return to<typename V::Backend>(converted<typename V::Scalar>(v));
      };
      const auto discriminator = [&](const auto& v) { return softplus(v * weight); };
      return penalty(weight.tape(), discriminator, here(x), here(y));
    };
  };
  const auto r1 =
      slopes([](Tape& tape, const auto& d, const auto& real, const auto&) { return loss::r1(tape, d, real); });
  const auto between = slopes([](Tape& tape, const auto& d, const auto& real, const auto& fake) {
    return loss::gradient_penalty(tape, d, real, fake);
  });
  CHECK(gradient_disagreement<T>(r1, w) < device_tolerance<T>);
  CHECK(gradient_disagreement<T>(between, w) < device_tolerance<T>);
}

TEST_CASE_TEMPLATE("likelihoods, their gradients, means and samples are the CPU's", T, float, double) {
  const auto unit = sigmoid(random<double>({2, 3, 4}, 3));
  const auto parameters = [](Index channels) { return random<double>({2, 3, channels}, 4); };
  check_likelihood<likelihood::Bernoulli, T>(parameters(4), unit);
  check_likelihood<likelihood::Gaussian, T>(parameters(8), unit);
  check_likelihood<likelihood::FixedGaussian<0.3>, T>(parameters(4), unit);
  check_likelihood<likelihood::Laplace, T>(parameters(8), unit);
  const Shape shape{2, 3, 4};
  const auto classes = tabulated<std::int32_t>(shape, [](const Indices& at) { return (at[0] + at[1] + at[2]) % 5; });
  check_likelihood<likelihood::Categorical<5>, T>(parameters(20), classes);
  check_likelihood<likelihood::Categorical<5>::Levels, T>(parameters(20), unit);
  const auto levels = tabulated<double>(
      shape, [](const Indices& at) { return static_cast<double>(at[0] * 120 + at[1] * 7 + at[2]) / 255; });
  check_likelihood<likelihood::DiscretizedLogisticMixture<3>, T>(parameters(36), levels);
}

TEST_CASE_TEMPLATE("bounds and their gradients are the CPU's", T, float, double) {
  const auto log_p = random<double>({3}, 5), kl = square(x);
  check<T>([](const auto& l, const auto& k) { return loss::elbo(l, k); }, log_p, kl);
  check<T>([](const auto& l, const auto& k) { return loss::elbo(l, k, {.beta = 0.5, .free_bits = 0.8}); }, log_p, kl);
  check<T>([](const auto& w) { return loss::importance_weighted_bound(w); }, x);
}

TEST_CASE_TEMPLATE("what a latent says and draws, and the gradients of it, are the CPU's", T, float, double) {
  using Latent = latent::DiagonalGaussian<2>;
  const auto encoded = random<double>({3, 5, 4}, 6), other = random<double>({3, 5, 4}, 7);
  const auto z = random<double>({3, 5, 2}, 8);
  check<T>([](const auto& e) { return Latent::kl(Latent::posterior(e)); }, encoded);
  check<T>([](const auto& e, const auto& p) { return Latent::kl(Latent::posterior(e), Latent::posterior(p)); }, encoded,
           other);
  check<T>([](const auto& e, const auto& v) { return Latent::log_prob(Latent::posterior(e), v); }, encoded, z);
  check<T>([](const auto& v) { return Latent::prior_log_prob(v); }, z);
  check<T>(
      [](const auto& e) {
        Rng rng{9};
        return Latent::sample(Latent::posterior(e), rng);
      },
      encoded);
}
