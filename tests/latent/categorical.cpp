// SPDX-License-Identifier: MIT
#include <flipbook/latent/categorical.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/latent/latent.hpp>
#include <flipbook/ops/reduce/max.hpp>
#include <flipbook/testing/gradients.hpp>

using namespace flipbook;
using Latent = latent::Categorical<2, 3>;
static_assert(latent::LearnedPrior<Latent>);

TEST_CASE("probabilities are those of softmax, but for 1 % that is uniform") {
  const auto q = Latent::posterior(Tensor<double>({1, 6}, {0, std::log(2), std::log(3), 0, 900, 0}));
  const std::vector<double> expected{
      0.99 / 6 + 0.01 / 3, 0.99 / 3 + 0.01 / 3, 0.99 / 2 + 0.01 / 3, 0.01 / 3, 0.99 + 0.01 / 3, 0.01 / 3};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(q.mean.data()[i] == doctest::Approx(expected[i]));
    CHECK(q.log_probs.data()[i] == doctest::Approx(std::log(expected[i])));
  }
}

TEST_CASE("samples are one-hot, as often of a class as q says, and of the tape's stream in training") {
  constexpr Index count = 20'000;
  Rng rng{3};
  const auto q = Latent::posterior(broadcast_to(normal<float>({1, 6}, rng), {count, 6}));
  const Rng before = rng;
  const auto z = Latent::sample(q, rng);
  for (const float number : z) CHECK((number == 0 || number == 1));
  for (const float groups : sum(z.reshape({count, 2, 3}), {-1}, true)) CHECK(groups == 1);
  const auto often = mean(z, {0});
  for (Index i = 0; i < 6; ++i) {
    const double p = static_cast<double>(q.mean.data()[i]);
    CHECK(std::abs(static_cast<double>(often.data()[i]) - p) < 4 * std::sqrt(p * (1 - p) / count));
  }
  Tape tape{before};
  const auto recorded =
      Latent::sample(latent::OneHot<Variable<float>>{tape.constant(q.mean), tape.constant(q.log_probs)});
  CHECK(to_vector(recorded.value()) == to_vector(z));
  CHECK(tape.rng() == rng);
  const auto drawn = Latent::prior_sample<float>(5, rng);
  CHECK(drawn.shape() == Shape{5, 6});
  CHECK(sum(drawn).item() == 10);
}

TEST_CASE("the gradient of a sample is that of the probabilities") {
  Rng rng{4};
  const auto logits = normal<double>({3, 6}, rng), weights = normal<double>({3, 6}, rng);
  Tape tape{Rng{5}};
  const auto x = tape.variable(logits);
  const auto through = tape.gradient(sum(Latent::sample(Latent::posterior(x)) * weights), x);
  const auto expected = tape.gradient(sum(Latent::posterior(x).mean * weights), x);
  CHECK(to_vector(through) == to_vector(expected));
  CHECK(max(abs(through)).item() > 0);
}

TEST_CASE("the divergence is Σ q log(q/p), that from itself is 0, and it averages log q − log p") {
  Rng rng{6};
  const auto one = normal<double>({1, 6}, rng), other = normal<double>({1, 6}, rng);
  const auto q = Latent::posterior(one), p = Latent::posterior(other);
  double expected = 0, uniform = 0;
  for (Index i = 0; i < 6; ++i) {
    expected += q.mean.data()[i] * std::log(q.mean.data()[i] / p.mean.data()[i]);
    uniform += q.mean.data()[i] * std::log(q.mean.data()[i] * 3);
  }
  CHECK(Latent::kl(q, p).item() == doctest::Approx(expected));
  CHECK(Latent::kl(q).item() == doctest::Approx(uniform));
  CHECK(std::abs(Latent::kl(q, q).item()) < 1e-12);
  CHECK(Latent::kl_elements(q, p).shape() == Shape{1, 2});

  constexpr Index count = 20'000;
  const auto many = Latent::posterior(broadcast_to(one, {count, 6})),
             prior = Latent::posterior(broadcast_to(other, {count, 6}));
  const auto z = Latent::sample(many, rng);
  CHECK(mean(Latent::log_prob(many, z) - Latent::log_prob(prior, z)).item() == doctest::Approx(expected).epsilon(0.05));
  CHECK(mean(Latent::log_prob(many, z) - Latent::prior_log_prob(z)).item() == doctest::Approx(uniform).epsilon(0.05));
}

TEST_CASE("gradients of divergence and log-probability agree with finite differences") {
  Rng rng{7};
  const auto one = normal<double>({2, 4, 6}, rng), other = normal<double>({2, 4, 6}, rng);
  const auto between = [](const auto& x, const auto& y) {
    return Latent::kl(Latent::posterior(x), Latent::posterior(y));
  };
  CHECK(gradient_error(between, one, other) < 1e-7);
  const auto z = Latent::sample(Latent::posterior(one), rng);
  CHECK(gradient_error([&](const auto& x) { return Latent::log_prob(Latent::posterior(x), z); }, one) < 1e-7);
}

TEST_CASE("an encoding of another size is refused") {
  CHECK_THROWS_WITH_AS(Latent::posterior(zeros<float>({2, 5})),
                       "Categorical: needs (N, …, 6) for 2 variables of 3 classes, got (2, 5)", Error);
}
