// SPDX-License-Identifier: MIT
#include <flipbook/metrics/best_of.hpp>

#include <metrics/checks.hpp>

#include <flipbook/metrics/curve.hpp>
#include <flipbook/metrics/error.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Metric<BestOf<Mae>> && Metric<BestOf<Mae, Curve<Mae>>>);

namespace {
// Of three draws the second is the best for the first clip, the third for the second; targets are 0.
const Tensor<float> drawn({3, 2, 2, 1, 1, 1}, {3, 3, /**/ 2, 2, /**/ 0, 1, /**/ 4, 0, /**/ 2, 0, /**/ 0, 2});
const Tensor<float> target = zeros<float>({2, 2, 1, 1, 1});

template <class M>
auto value(M metric) {
  metric.add(drawn, target);
  return metric.value();
}
}  // namespace

TEST_CASE("of each clip's predictions the best one counts, whichever way is better") {
  CHECK(value(BestOf<Mae>{}) == 0.75);
  CHECK(value(BestOf<Mse>{}) == doctest::Approx((0.5 + 2) / 2));  // of (0, 1) and (0, 2)
  const double range = 10;
  CHECK(value(BestOf<Psnr>(Psnr({.data_range = range, .mean_of = PeakSignalToNoise::Mean::errors}),
                           Psnr({.data_range = range, .mean_of = PeakSignalToNoise::Mean::errors}))) ==
        doctest::Approx(10 * std::log10(range * range / 1.25)));
}

TEST_CASE("what is reported of the best may be another metric, or a curve") {
  test::check_close(value(BestOf<Mae, Curve<Mae>>{}), {0, 1.5});
  CHECK(value(BestOf<Mae, Mse>(Mae{}, Mse({.over_frame = Reduction::sum}))) == 1.25);
}

TEST_CASE("one draw is no choice, and more are never worse") {
  BestOf<Mae> one;
  one.add(drawn.slice(0, 1), target);
  Mae plain;
  plain.add(drawn[0], target);
  CHECK(one.value() == plain.value());
  CHECK(value(BestOf<Mae>{}) <= one.value());
}

TEST_CASE("shards joined are the whole, and shapes that do not fit are named") {
  test::check_shards(BestOf<Mae>{}, 2, [](BestOf<Mae>& metric, Index first, Index last) {
    for (Index n = first; n < last; ++n) {
      Tensor<float> draws({3, 1, 2, 1, 1, 1});
      for (Index i = 0; i < 3; ++i) std::copy_n(drawn[i][n].data(), 2, draws.data() + 2 * i);
      metric.add(draws, target.slice(n, n + 1));
    }
  });
  BestOf<Mae> metric;
  CHECK(test::error_of([] { BestOf<Mae>{}.add(target, target); }) ==
        "BestOf.add: drawn (2, 2, 1, 1, 1) and target (2, 2, 1, 1, 1); needs (n, N, …) and (N, …)");
  CHECK_THROWS_AS(metric.add(drawn.slice(0, 0), target), Error);
  CHECK_THROWS_AS(metric.value(), Error);
}
