// SPDX-License-Identifier: MIT
#include <flipbook/likelihood/discretized_logistic_mixture.hpp>

#include <flipbook/testing/gradients.hpp>

#include "checks.hpp"

using namespace flipbook;
using namespace flipbook::test;
template <int K>
using LogisticMixture = likelihood::DiscretizedLogisticMixture<K>;

namespace {

template <class T>
Tensor<T> all_levels() {
  Tensor<T> x({256, 1});
  for (Index i = 0; i < 256; ++i) x.data()[i] = static_cast<T>(static_cast<double>(i) / 255);
  return x;
}

// Logits, means and log-scales of two components: spread, sharp, outside of the range, and beyond all bounds.
template <class T>
const std::vector<std::vector<T>> mixtures{
    {0, 0, T(-0.5), T(0.5), -2, -3},
    {1, -1, T(0.3), T(0.31), -7, -6},
    {0, 0, -3, 3, -1, -1},
    {5, -5, 0, 1, 2, -7},
    {T(1e4), T(-1e4), T(0.2), 0, -1e4, 0},
    {0, 0, T(1e4), T(-1e4), 0, -1e4},
    {0, 0, 0, 0, T(1e4), T(1e4)},
    {-40, -40, T(-0.997), T(0.999), -5, -5},
};

}  // namespace

TEST_CASE_TEMPLATE("the probabilities of all 256 levels sum to one", T, float, double) {
  for (const auto& mixture : mixtures<T>) {
    CHECK(mass(LogisticMixture<2>{}, mixture, all_levels<T>()) ==
          doctest::Approx(1).epsilon(std::is_same_v<T, float> ? 1e-4 : 1e-11));
  }
  CHECK(mass(LogisticMixture<1>{}, std::vector<T>{T(-123), T(0.1), -4}, all_levels<T>()) ==
        doctest::Approx(1).epsilon(1e-4));
}

TEST_CASE_TEMPLATE("a bin's mass is the difference of the logistic function at its ends", T, float, double) {
  const double m = 0.2, s = -2, rate = std::exp(-s);
  const auto cdf = [&](double t) { return 1 / (1 + std::exp(-(t - m) * rate)); };
  const auto log_prob = LogisticMixture<1>::log_prob(repeated(std::vector{T(0), T(m), T(s)}, 256), all_levels<T>());
  for (Index i = 0; i < 256; ++i) {
    const double x = static_cast<double>(i) / 127.5 - 1;
    const double mass = (i == 255 ? 1 : cdf(x + 1.0 / 255)) - (i == 0 ? 0 : cdf(x - 1.0 / 255));
    CHECK(static_cast<double>(log_prob.data()[i]) == doctest::Approx(std::log(mass)).epsilon(1e-4));
  }
}

TEST_CASE_TEMPLATE("any finite parameters give finite values and gradients at every level", T, float, double) {
  for (const auto& mixture : mixtures<T>) {
    Tape tape;
    const auto parameters = tape.variable(repeated(mixture, 256));
    const auto log_prob = LogisticMixture<2>::log_prob(parameters, all_levels<T>());
    CHECK(all_finite(log_prob.value()));
    CHECK(all_finite(tape.gradient(sum(log_prob), parameters)));
  }
}

TEST_CASE_TEMPLATE("draws are levels and have the stated mean", T, float, double) {
  const double half_level = 0.5 / 255;
  check_draws(LogisticMixture<2>{}, std::vector<T>{0, 1, T(-0.5), T(0.5), -2, -3});
  for (const auto& mixture : mixtures<T>) {
    check_draws(LogisticMixture<2>{}, mixture, half_level);
    Rng rng{5};
    for (const T x : LogisticMixture<2>::sample(repeated(mixture, 101), rng)) {
      CHECK(std::abs(x * 255 - std::round(x * 255)) < T(1e-4));
      CHECK((x >= 0 && x <= 1));
    }
  }
}

TEST_CASE_TEMPLATE("the stated mean is within half a level of that over all levels", T, float, double) {
  for (const auto& mixture : mixtures<T>) {
    const auto log_prob = LogisticMixture<2>::log_prob(repeated(mixture, 256), all_levels<T>());
    double mean = 0;
    for (Index i = 0; i < 256; ++i)
      mean += static_cast<double>(i) / 255 * std::exp(static_cast<double>(log_prob.data()[i]));
    CHECK(std::abs(mean - static_cast<double>(LogisticMixture<2>::mean(repeated(mixture, 1)).item())) <
          0.5 / 255 + 1e-3);
  }
}

TEST_CASE_TEMPLATE("channels have mixtures of their own, side by side", T, float, double) {
  const std::vector<T> one{0, T(-0.5), -3}, other{0, T(0.5), -2};
  std::vector<T> both = one;
  both.insert(both.end(), other.begin(), other.end());
  const T x = T(0.2), y = T(0.8);
  const auto at = [](const std::vector<T>& p, const Tensor<T>& data) {
    return static_cast<double>(LogisticMixture<1>::log_prob(repeated(p, 1), data).item());
  };
  CHECK(at(both, Tensor<T>({1, 2}, {x, y})) ==
        doctest::Approx(at(one, Tensor<T>({1, 1}, {x})) + at(other, Tensor<T>({1, 1}, {y}))));
  Rng rng{1};
  CHECK(LogisticMixture<1>::sample(zeros<T>({2, 3, 6}), rng).shape() == Shape{2, 3, 2});
  CHECK(LogisticMixture<1>::mean(zeros<T>({2, 3, 6})).shape() == Shape{2, 3, 2});
}

TEST_CASE("gradients agree with finite differences, inside, at the outer levels and below the floor") {
  Rng rng{4};
  for (const double x : {0.0, 1.0, 1.0 / 255, 0.4}) {
    const auto data = full<double>({3, 1, 2}, x);
    auto parameters = normal<double>({3, 1, 18}, rng);
    const auto log_prob = [&](const auto& p) { return LogisticMixture<3>::log_prob(p, data); };
    CHECK(gradient_error(log_prob, parameters) < 1e-7);
    parameters = parameters * 4.0;
    CHECK(gradient_error(log_prob, parameters) < 1e-6);
    CHECK(gradient_error([](const auto& p) { return LogisticMixture<3>::mean(p); }, parameters) < 1e-6);
  }
}

TEST_CASE("parameters that do not fit the data are refused") {
  CHECK_THROWS_AS(LogisticMixture<2>::log_prob(zeros<float>({2, 6}), zeros<float>({2, 2})), Error);
  CHECK_THROWS_AS(LogisticMixture<2>::mean(zeros<float>({2, 7})), Error);
}
