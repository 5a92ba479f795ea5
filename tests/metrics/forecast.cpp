// SPDX-License-Identifier: MIT
#include <flipbook/metrics/forecast.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Criterion<Csi> && Criterion<Pod> && Criterion<Far> && Criterion<Fss>);

namespace {
template <class M, class T>
double of(M metric, const Tensor<T>& prediction, const Tensor<T>& target) {
  metric.add(prediction, target);
  return metric.value();
}

// One pixel of 9 × 9.
Tensor<float> spot(Index row, Index column) {
  auto frame = zeros<float>({9, 9, 1});
  frame.data()[9 * row + column] = 1;
  return frame;
}

/// The formula, neighbour by neighbour.
double plain(const Fss::Options& how, const Tensor<float>& prediction, const Tensor<float>& target) {  // (N, H, W, C)
  const Index n = target.extent(0), h = target.extent(1), w = target.extent(2), c = target.extent(3);
  const Index reach = how.window / 2;
  double differences = 0, squares = 0;
  for (Index i = 0; i < target.size(); ++i) {
    const Index channel = i % c, column = i / c % w, row = i / c / w % h, frame = i / c / w / h;
    const auto share = [&](const Tensor<float>& x) {
      Index events = 0;
      for (Index y = row - reach; y <= row + reach; ++y)
        for (Index z = column - reach; z <= column + reach; ++z)
          events +=
              y >= 0 && y < h && z >= 0 && z < w && x.data()[((frame * h + y) * w + z) * c + channel] >= how.threshold;
      return static_cast<double>(events) / static_cast<double>(how.window * how.window);
    };
    const double p = share(prediction), o = share(target);
    differences += (p - o) * (p - o), squares += p * p + o * o;
  }
  REQUIRE(n > 0);
  return 1 - differences / squares;
}
}  // namespace

TEST_CASE("events are counted as hits, misses and false alarms") {
  // hits 2, misses 1, false alarms 3, correct negatives 1; an element at the threshold is an event
  const Tensor<float> prediction({7}, {1, 0.5F, 0, 1, 1, 1, 0}), target({7}, {1, 1, 1, 0, 0, 0.25F, 0});
  CHECK(of(Csi{}, prediction, target) == doctest::Approx(2 / 6.0));
  CHECK(of(Pod{}, prediction, target) == doctest::Approx(2 / 3.0));
  CHECK(of(Far{}, prediction, target) == doctest::Approx(3 / 5.0));
  CHECK(of(Csi({.threshold = 0.25}), prediction, target) == doctest::Approx(3 / 6.0));
  Csi csi;
  csi.add(prediction, target);
  CHECK(csi.table().correct_negatives == 1);
}

TEST_CASE("fractions are those of neighbourhoods, beyond the borders too") {
  const auto x = test::drawn<float>({2, 5, 7, 3}, 1), y = test::drawn<float>({2, 5, 7, 3}, 2);
  for (const Index window : {1, 3, 7, 15}) {
    const Fss::Options how{.threshold = 0.7, .window = window};
    CHECK(of(Fss(how), x, y) == doctest::Approx(plain(how, x, y)).epsilon(1e-12));
  }
}

TEST_CASE("a spot one pixel off is nothing for one pixel, and the more the wider the window") {
  CHECK(of(Fss({.window = 1}), spot(4, 4), spot(4, 5)) == 0);
  CHECK(of(Fss({.window = 3}), spot(4, 4), spot(4, 5)) == doctest::Approx(2 / 3.0));  // 6 of 9 places in common
  CHECK(of(Fss({.window = 5}), spot(4, 4), spot(4, 5)) == doctest::Approx(4 / 5.0));
  CHECK(of(Fss({.window = 5}), spot(4, 4), spot(4, 4)) == 1);
}

TEST_CASE("shards joined are the whole") {
  const auto x = test::drawn<float>({3, 2, 5, 7, 1}, 1), y = test::drawn<float>({3, 2, 5, 7, 1}, 2);
  test::check_shards(Csi{}, x, y);
  test::check_shards(Pod{}, x, y);
  test::check_shards(Far{}, x, y);
  test::check_shards(Fss{}, x, y);
  Csi csi;
  CHECK_THROWS_AS(csi.merge(Csi({.threshold = 1})), Error);
  Fss fss;
  CHECK_THROWS_AS(fss.merge(Fss({.window = 1})), Error);
}

TEST_CASE("ratios of nothing, even windows and what is not finite are refused") {
  const auto dry = zeros<float>({3, 3, 1});
  CHECK(test::error_of([&] { of(Csi{}, dry, dry); }) == "Csi.value: no event ≥ 0.500000 to count");
  CHECK_THROWS_AS(of(Pod{}, full<float>({2}, 1), zeros<float>({2})), Error);
  CHECK_THROWS_AS(of(Far{}, zeros<float>({2}), full<float>({2}, 1)), Error);
  CHECK_THROWS_AS(of(Fss{}, dry, dry), Error);
  CHECK(test::error_of([] { Fss({.window = 4}); }) == "Fss: the window must be odd, got 4");
  CHECK_THROWS_AS(of(Csi{}, full<float>({3, 3, 1}, NAN), dry), Error);
  CHECK_THROWS_AS(of(Fss{}, dry, full<float>({3, 3, 1}, NAN)), Error);
  CHECK_THROWS_AS(of(Csi{}, dry, zeros<float>({3, 3, 2})), Error);
}
