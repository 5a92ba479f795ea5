// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <flipbook/likelihood/sampling.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>

#include "ops/tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;
using likelihood::Sampling;
using likelihood::truncated;

namespace {

/// The same in plain words: classes in order of their probability, one after another, until there are enough.
std::vector<double> reference(const std::vector<double>& logits, const Sampling& how) {
  std::vector<double> weight, left(logits.size(), -std::numeric_limits<double>::infinity());
  double total = 0, before = 0;
  for (const double logit : logits) total += weight.emplace_back(std::exp(logit / how.temperature));
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
  for (std::size_t place = 0; place < order.size(); ++place) {
    const bool few = how.top_k == 0 || static_cast<Index>(place) < how.top_k;
    if (place == 0 || (few && before < how.top_p)) left[order[place]] = logits[order[place]] / how.temperature;
    before += weight[order[place]] / total;
  }
  return left;
}

}  // namespace

TEST_CASE("of logits are left those that are likely enough, as counted one by one") {
  const auto logits = random<double>({4, 3, 11}) * 2;
  for (const Sampling how : {Sampling{}, Sampling{.temperature = 0.7}, Sampling{.top_k = 1}, Sampling{.top_k = 4},
                             Sampling{.top_k = 11}, Sampling{.top_k = 50}, Sampling{.top_p = 0.9},
                             Sampling{.top_p = 1e-9}, Sampling{.temperature = 2, .top_k = 6, .top_p = 0.8}}) {
    const auto left = truncated(logits, how);
    REQUIRE(left.shape() == logits.shape());
    for (Index row = 0; row < 12; ++row) {
      const double* const from = logits.data() + row * 11;
      const auto expected = reference(std::vector<double>(from, from + 11), how);
      for (Index k = 0; k < 11; ++k) {
        const double x = left.data()[row * 11 + k], y = expected[static_cast<std::size_t>(k)];
        CHECK((x == y || std::abs(x - y) < 1e-12));
      }
    }
  }
}

TEST_CASE("equal classes go by their order, and one class is always left") {
  const auto left = truncated(zeros<float>({4}), {.top_k = 2});
  CHECK(std::isfinite(left.data()[1]));
  CHECK(std::isinf(left.data()[2]));
  const float least = -std::numeric_limits<float>::infinity();
  CHECK(to_vector(truncated(Tensor<float>({3}, {least, 5, least}), {.top_k = 2, .top_p = 0.5})) ==
        std::vector<float>{least, 5, least});
}

TEST_CASE("what is left is drawn as often as it is likely, and all else never") {
  Rng rng{3};
  const Tensor<float> one({5}, {0, 1, 2, -1, 1.5F});
  const auto left = truncated(broadcast_to(one, {20000, 5}), {.temperature = 0.5, .top_k = 3});
  const auto drawn = sample_categorical(left, rng);
  std::vector<double> share(5);
  for (const std::int32_t k : drawn) share[std::size_t(k)] += 1.0 / 20000;
  const double total = std::exp(2.0) + std::exp(4.0) + std::exp(3.0);
  CHECK(share[0] + share[3] == 0);
  CHECK(share[1] == doctest::Approx(std::exp(2.0) / total).epsilon(0.05));
  CHECK(share[2] == doctest::Approx(std::exp(4.0) / total).epsilon(0.05));
  CHECK(share[4] == doctest::Approx(std::exp(3.0) / total).epsilon(0.05));
}

TEST_CASE("settings that leave nothing are refused") {
  CHECK_THROWS_WITH_AS(truncated(zeros<float>({3}), {.temperature = 0}),
                       "Sampling: a temperature of 0.000000; needs a positive one", Error);
  CHECK_THROWS_AS(truncated(zeros<float>({3}), {.top_k = -1}), Error);
  CHECK_THROWS_AS(truncated(zeros<float>({3}), {.top_p = 0}), Error);
  CHECK_THROWS_AS(truncated(zeros<float>({3}), {.top_p = 1.5}), Error);
}
