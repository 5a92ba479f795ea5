// SPDX-License-Identifier: MIT
#include <flipbook/metrics/error.hpp>

#include <metrics/checks.hpp>

#include <limits>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Criterion<Mse> && Criterion<Mae> && Criterion<Psnr>);

namespace {

// Two frames of two pixels: squared errors 0, 4 and 1, 0.
template <class T>
const Tensor<T> prediction({1, 2, 1, 2, 1}, {1, 2, 3, 4});
template <class T>
const Tensor<T> target({1, 2, 1, 2, 1}, {1, 0, 4, 4});

template <class T, class M>
double value(M metric) {
  metric.add(prediction<T>, target<T>);
  return metric.value();
}

}  // namespace

TEST_CASE_TEMPLATE("errors are averaged over a frame or summed, and then averaged over frames", T, float, double) {
  CHECK(value<T>(Mse{}) == 1.25);
  CHECK(value<T>(Mse({.over_frame = Reduction::sum})) == 2.5);
  CHECK(value<T>(Mae{}) == 0.75);
  CHECK(value<T>(Mae({.over_frame = Reduction::sum})) == 1.5);
}

TEST_CASE("PSNR is the mean of the frames' own, or that of the mean error") {
  using Mean = PeakSignalToNoise::Mean;
  CHECK(value<float>(Psnr({.data_range = 2})) == doctest::Approx((10 * std::log10(4 / 2.0) + 10 * std::log10(8)) / 2));
  const Psnr of_errors({.data_range = 2, .mean_of = Mean::errors});
  CHECK(value<float>(of_errors) == doctest::Approx(10 * std::log10(4 / 1.25)));

  Psnr perfect, almost({.mean_of = Mean::errors});
  perfect.add(target<float>, target<float>), almost.add(target<float>, target<float>);
  CHECK(perfect.value() == std::numeric_limits<double>::infinity());
  almost.add(prediction<float>, target<float>);
  CHECK(almost.value() == doctest::Approx(10 * std::log10(1 / 0.625)));
}

TEST_CASE("clips, frames and a single frame add the same, on any number of threads") {
  const auto x = test::drawn<float>({3, 5, 31, 29, 3}, 1), y = test::drawn<float>({3, 5, 31, 29, 3}, 2);
  Mse clips, frames, serial;
  clips.add(x, y);
  for (Index n = 0; n < 3; ++n)
    for (Index t = 0; t < 5; ++t) frames.add(x[n][t], y[n][t]);
  CHECK(clips.frames() == 15);
  CHECK(clips.value() == frames.value());
  const int before = threads();
  set_threads(before > 1 ? 1 : 2);
  serial.add(x, y);
  set_threads(before);
  CHECK(clips.value() == serial.value());
}

TEST_CASE("shards joined are the whole") {
  const auto x = test::drawn<double>({4, 3, 5, 7, 2}, 1), y = test::drawn<double>({4, 3, 5, 7, 2}, 2);
  test::check_shards(Mse({.over_frame = Reduction::sum}), x, y);
  test::check_shards(Mae{}, x, y);
  test::check_shards(Psnr{}, x, y);
  Psnr one({.data_range = 1}), other({.data_range = 255});
  CHECK(test::error_of([&] { one.merge(other); }) == "Psnr.merge: the two measure by different options");
}

TEST_CASE("shapes that disagree, nothing, and what is not finite are named") {
  const auto x = zeros<float>({2, 3, 4, 1});
  Mse mse;
  CHECK(test::error_of([&] {
          mse.add(x, zeros<float>({2, 3, 5, 1}));
        }) == "Mse.add: prediction (2, 3, 4, 1) and target (2, 3, 5, 1) must be of one shape and not empty");
  CHECK_THROWS_AS(mse.add(zeros<float>({0, 3, 4, 1}), zeros<float>({0, 3, 4, 1})), Error);
  CHECK_THROWS_AS(mse.add(zeros<float>({3, 4}), zeros<float>({3, 4})), Error);
  auto bad = zeros<float>({2, 3, 4, 1});
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    bad.data()[17] = value;
    CHECK(test::error_of([&] {
            mse.add(bad, x);
          }).starts_with("Mse.add: prediction: element (1, 1, 1, 0) of (2, 3, 4, 1)"));
    CHECK(test::error_of([&] { Psnr{}.add(x, bad); }).starts_with("Psnr.add: target: element (1, 1, 1, 0)"));
    CHECK_THROWS_AS(mse.add(bad, bad), Error);
  }
  CHECK(test::error_of([&] { mse.value(); }) == "Mse.value: nothing was added");  // what threw was not
}
