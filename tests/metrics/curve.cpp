// SPDX-License-Identifier: MIT
#include <flipbook/metrics/curve.hpp>

#include <metrics/checks.hpp>

#include <limits>

#include <flipbook/metrics/error.hpp>
#include <flipbook/metrics/forecast.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Metric<Curve<Mse>> && !Criterion<Curve<Mse>> && Metric<Several<Csi>>);

TEST_CASE("a curve has the metric of each frame by its place in the clip") {
  const auto x = test::drawn<float>({3, 4, 5, 7, 2}, 1), y = test::drawn<float>({3, 4, 5, 7, 2}, 2);
  Curve<Psnr> curve(Psnr({.data_range = 3}));
  curve.add(x, y);
  const std::vector<double> values = curve.value();
  REQUIRE(values.size() == 4);
  for (Index t = 0; t < 4; ++t) {
    Psnr at({.data_range = 3});
    for (Index n = 0; n < 3; ++n) at.add(x[n][t], y[n][t]);
    CHECK(values[static_cast<std::size_t>(t)] == doctest::Approx(at.value()).epsilon(1e-12));
  }
}

TEST_CASE("clips of other lengths count where they reach, and shards joined are the whole") {
  Curve<Mae> curve, shorter;
  curve.add(full<float>({2, 3, 1, 1, 1}, 1), zeros<float>({2, 3, 1, 1, 1}));
  shorter.add(full<float>({1, 1, 1, 1}, 4), zeros<float>({1, 1, 1, 1}));
  curve.merge(shorter);
  test::check_close(curve.value(), {2, 1, 1});
  shorter.merge(curve);
  CHECK(shorter.value().size() == 3);
  test::check_shards(Curve<Mse>{}, test::drawn<float>({3, 2, 3, 5, 1}, 1), test::drawn<float>({3, 2, 3, 5, 1}, 2));
}

TEST_CASE("several metrics go side by side") {
  const auto x = test::drawn<float>({2, 3, 5, 7, 1}, 1), y = test::drawn<float>({2, 3, 5, 7, 1}, 2);
  const Several<Csi> several({Csi({.threshold = 0.25}), Csi({.threshold = 0.75})});
  test::check_shards(several, x, y);
  Several<Csi> both = several;
  both.add(x, y);
  Csi high({.threshold = 0.75});
  high.add(x, y);
  CHECK(both.value()[1] == high.value());
  CHECK(both.value()[0] > high.value());
  CHECK_THROWS_AS(both.merge(Several<Csi>({Csi({.threshold = 0.25})})), Error);
  CHECK_THROWS_AS(both.merge(Several<Csi>({Csi{}, Csi{}})), Error);
}

TEST_CASE("what throws adds nothing") {
  auto x = zeros<float>({1, 2, 1, 1, 1});
  Curve<Mae> curve;
  curve.add(full<float>({1, 2, 1, 1, 1}, 1), x);
  x.data()[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(curve.add(x, zeros<float>({1, 2, 1, 1, 1})), Error);
  test::check_close(curve.value(), {1, 1});
  CHECK_THROWS_AS(curve.add(zeros<float>({2, 1, 1}), zeros<float>({2, 1, 1})), Error);
  CHECK_THROWS_AS(curve.add(zeros<float>({1, 2, 1, 1, 1}), zeros<float>({1, 3, 1, 1, 1})), Error);
}
