// SPDX-License-Identifier: MIT
#include <flipbook/metrics/likelihood.hpp>

#include <metrics/checks.hpp>

#include <limits>

using namespace flipbook;
using metrics::NegativeLogLikelihood;

TEST_CASE("log-likelihoods are counted by clip, frame and dimension") {
  NegativeLogLikelihood nll;
  nll.add(Tensor<float>({2}, {-10, -14}), {2, 3, 2, 2, 1});
  CHECK(nll.value() == 12);
  CHECK(nll.nats_per_frame() == 4);
  CHECK(nll.bits_per_dimension() == doctest::Approx(1 / std::log(2)));
  nll.add(Tensor<double>({1}, {6}), {1, 2, 2, 1});  // a frame
  CHECK(nll.value() == 6);
  CHECK(nll.nats_per_frame() == doctest::Approx(18.0 / 7));
  CHECK(nll.bits_per_dimension() == doctest::Approx(18 / std::log(2) / 28));
}

TEST_CASE("a uniform distribution over 256 values costs eight bits") {
  NegativeLogLikelihood nll;
  nll.add(full<float>({5}, -std::log(256.0F) * 48), {5, 4, 2, 2, 3});
  CHECK(nll.bits_per_dimension() == doctest::Approx(8).epsilon(1e-6));
}

TEST_CASE("shards joined are the whole, and what does not fit is refused") {
  const auto log_prob = test::drawn<double>({5}, 1);
  test::check_shards(NegativeLogLikelihood{}, 5, [&](NegativeLogLikelihood& metric, Index first, Index last) {
    metric.add(log_prob.slice(first, last), {last - first, 3, 2, 2, 1});
  });
  NegativeLogLikelihood nll;
  CHECK(test::error_of([&] {
          nll.add(log_prob, {4, 3, 2, 2, 1});
        }) == "NegativeLogLikelihood.add: log-likelihoods (5) of data (4, 3, 2, 2, 1); needs (N) of (N, T, H, W, C)");
  CHECK_THROWS_AS(nll.add(log_prob, {5, 2, 1}), Error);
  CHECK_THROWS_AS(nll.add(full<float>({1}, -std::numeric_limits<float>::infinity()), {1, 2, 1, 1, 1}), Error);
  CHECK_THROWS_AS(nll.bits_per_dimension(), Error);
}
