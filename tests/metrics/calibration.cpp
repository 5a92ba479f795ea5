// SPDX-License-Identifier: MIT
#include <flipbook/metrics/calibration.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Criterion<Brier> && Criterion<Reliability>);

namespace {
const Tensor<float> probability({5}, {0.125F, 0.25F, 0.375F, 0.875F, 1});
const Tensor<float> outcome({5}, {0, 1, 0, 1, 1});
}  // namespace

TEST_CASE("the Brier score is the mean squared error of probabilities") {
  Brier brier;
  brier.add(probability, outcome);
  CHECK(brier.value() == doctest::Approx((1 + 36 + 9 + 1) / 64.0 / 5));
}

TEST_CASE("bins have what was predicted and what happened, and an edge belongs to the lower one") {
  Reliability reliability({.bins = 4});
  reliability.add(probability, outcome);
  const auto bins = reliability.curve();
  REQUIRE(bins.size() == 3);
  CHECK(bins[0].count == 2);
  CHECK(bins[0].probability == doctest::Approx(0.1875));
  CHECK(bins[0].frequency == 0.5);
  CHECK(bins[1].count == 1);
  CHECK(bins[1].probability == doctest::Approx(0.375));
  CHECK(bins[1].frequency == 0);
  CHECK(bins[2].count == 2);
  CHECK(bins[2].probability == doctest::Approx(0.9375));
  CHECK(bins[2].frequency == 1);
  CHECK(reliability.value() == doctest::Approx((2 * 0.3125 + 0.375 + 2 * 0.0625) / 5));
}

TEST_CASE("an event that happens as often as was said has no calibration error, and one that does not has") {
  const auto p = test::drawn<double>({100'000}, 1), u = test::drawn<double>({100'000}, 2);
  Tensor<double> fair({100'000}), never = zeros<double>({100'000});
  for (Index i = 0; i < p.size(); ++i) fair.data()[i] = u.data()[i] < p.data()[i] ? 1 : 0;
  Reliability good, bad;
  good.add(p, fair), bad.add(p, never);
  CHECK(good.value() < 0.01);
  CHECK(bad.value() == doctest::Approx(0.5).epsilon(0.01));
}

TEST_CASE("shards joined are the whole, and what is no probability or outcome is named") {
  const auto p = test::drawn<float>({7, 5}, 1), y = test::flips<float>({7, 5}, 0.4, 2);
  test::check_shards(Brier{}, p, y);
  test::check_shards(Reliability{}, p, y);
  Reliability reliability;
  CHECK_THROWS_AS(reliability.merge(Reliability({.bins = 4})), Error);
  CHECK_THROWS_AS(Reliability({.bins = 0}), Error);
  CHECK(test::error_of([&] { reliability.add(Tensor<float>({1}, {1.5F}), Tensor<float>({1}, {1})); }) ==
        "Reliability.add: probabilities: element (0) of (1) is 1.500000");
  CHECK(test::error_of([&] { Brier{}.add(p, p); }).starts_with("Brier.add: what happened must be 0 or 1: element"));
  CHECK(test::error_of([&] { Brier{}.add(p, y.slice(0, 2)); }) ==
        "Brier.add: probabilities (7, 5) and outcomes (2, 5) must be of one shape and not empty");
}
