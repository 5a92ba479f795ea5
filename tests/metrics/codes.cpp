// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/metrics/codes.hpp>

using namespace flipbook;

TEST_CASE("the perplexity of codes is their number where all are used alike, and less where they are not") {
  const Tensor<std::int32_t> alike({2, 3}, {0, 1, 2, 2, 1, 0}), one({4}, {7, 7, 7, 7}), uneven({4}, {0, 0, 0, 1});
  CHECK(metrics::perplexity(alike, 8) == doctest::Approx(3));
  CHECK(metrics::usage(alike, 8) == doctest::Approx(3.0 / 8));
  CHECK(metrics::perplexity(one, 8) == doctest::Approx(1));
  CHECK(metrics::perplexity(uneven, 2) == doctest::Approx(std::exp(-0.75 * std::log(0.75) - 0.25 * std::log(0.25))));
}

TEST_CASE("codes that there are not, and no codes, are refused") {
  CHECK_THROWS_WITH_AS(metrics::perplexity(Tensor<std::int32_t>({1}, {8}), 8), "perplexity: code 8 is not in [0, 8)",
                       Error);
  CHECK_THROWS_AS(metrics::usage(Tensor<std::int32_t>({1}, {-1}), 8), Error);
  CHECK_THROWS_AS(metrics::usage(Tensor<std::int32_t>({0}), 8), Error);
}
