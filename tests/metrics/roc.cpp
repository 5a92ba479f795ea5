// SPDX-License-Identifier: MIT
#include <flipbook/metrics/roc.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using metrics::Roc;

static_assert(metrics::Criterion<Roc>);

namespace {
double area(const Tensor<float>& score, const Tensor<float>& positive) {
  Roc roc;
  roc.add(score, positive);
  return roc.value();
}
}  // namespace

TEST_CASE("the curve has a point for each score that occurs, ties in one") {
  Roc roc;
  roc.add(Tensor<float>({5}, {3, 2, 2, 1, 0}), Tensor<float>({5}, {1, 1, 0, 0, 1}));
  const auto curve = roc.curve();
  const double expected[][3] = {{0, 0, HUGE_VAL}, {0, 1 / 3.0, 3}, {0.5, 2 / 3.0, 2}, {1, 2 / 3.0, 1}, {1, 1, 0}};
  REQUIRE(curve.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(curve[i].false_positive_rate == doctest::Approx(expected[i][0]));
    CHECK(curve[i].true_positive_rate == doctest::Approx(expected[i][1]));
    CHECK(curve[i].threshold == expected[i][2]);
  }
  CHECK(roc.value() == doctest::Approx(3.5 / 6));  // of six pairs three are in order and one is tied
}

TEST_CASE("the area is 1 for scores that separate, ½ for scores that say nothing, and that of pairs in between") {
  CHECK(area(Tensor<float>({4}, {4, 3, 2, 1}), Tensor<float>({4}, {1, 1, 0, 0})) == 1);
  CHECK(area(Tensor<float>({4}, {4, 3, 2, 1}), Tensor<float>({4}, {0, 0, 1, 1})) == 0);
  CHECK(area(full<float>({6}, 1), Tensor<float>({6}, {1, 0, 0, 1, 0, 0})) == 0.5);

  auto score = test::drawn<float>({211}, 1);
  for (float& s : score) s = std::floor(20 * s);  // ties
  const auto positive = test::flips<float>({211}, 0.3, 2);
  double in_order = 0, pairs = 0;
  for (Index i = 0; i < 211; ++i) {
    for (Index j = 0; j < 211; ++j) {
      if (positive.data()[i] == 0 || positive.data()[j] == 1) continue;
      const float a = score.data()[i], b = score.data()[j];
      in_order += a > b ? 1 : a == b ? 0.5 : 0, pairs += 1;
    }
  }
  CHECK(area(score, positive) == doctest::Approx(in_order / pairs).epsilon(1e-12));
}

TEST_CASE("shards joined are the whole") {
  const auto score = test::drawn<float>({6, 5}, 1);
  auto positive = zeros<float>({6, 5});
  for (Index i = 0; i < 30; i += 3) positive.data()[i] = 1;
  test::check_shards(Roc{}, score, positive);
}

TEST_CASE("one class alone, other labels and scores that are not finite are refused") {
  CHECK(test::error_of([] { area(zeros<float>({3}), full<float>({3}, 1)); }) ==
        "Roc.value: needs positives and others, has 3 and 0");
  CHECK_THROWS_AS(area(zeros<float>({3}), full<float>({3}, 2)), Error);
  CHECK_THROWS_AS(area(full<float>({1}, NAN), zeros<float>({1})), Error);
  CHECK_THROWS_AS(area(zeros<float>({3}), zeros<float>({2})), Error);
}
