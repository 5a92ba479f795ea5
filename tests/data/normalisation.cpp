// SPDX-License-Identifier: MIT
#include <flipbook/data/normalisation.hpp>

#include <doctest/doctest.h>

#include <flipbook/core/random.hpp>
#include <flipbook/data/tensor_dataset.hpp>

using namespace flipbook;

namespace {
/// Two channels: uniform on [0.2, 0.4], and 0.5 or 0.7.
TensorDataset drawn() {
  Tensor<float> clips({50, 2, 8, 8, 2});
  Rng rng{1};
  for (Index i = 0; i < clips.size(); i += 2) {
    clips.data()[i] = static_cast<float>(rng.uniform(0.2, 0.4));
    clips.data()[i + 1] = rng.uniform() < 0.5 ? 0.5F : 0.7F;
  }
  return TensorDataset(clips);
}
}  // namespace

TEST_CASE("what is measured normalises each channel to mean 0 and deviation 1") {
  const auto measured = Normalisation::measured(drawn(), 50);
  CHECK(measured.mean[0] == doctest::Approx(0.3).epsilon(0.01));
  CHECK(measured.mean[1] == doctest::Approx(0.6).epsilon(0.01));
  CHECK(measured.deviation[0] == doctest::Approx(0.2 / std::sqrt(12)).epsilon(0.02));
  CHECK(measured.deviation[1] == doctest::Approx(0.1).epsilon(0.02));

  double sum[2]{}, squares[2]{};
  for (Index i = 0; i < 50; ++i) {
    const auto clip = measured.normalise(drawn().clip(i));
    for (Index at = 0; at < clip.size(); ++at) {
      const double value = clip.data()[at];
      sum[at % 2] += value / (50 * 128), squares[at % 2] += value * value / (50 * 128);
    }
  }
  for (const int c : {0, 1}) {
    CHECK(std::abs(sum[c]) < 1e-4);
    CHECK(squares[c] == doctest::Approx(1).epsilon(1e-4));
  }
}

TEST_CASE("the inverse restores what was normalised, of any shape that ends in the channels") {
  const Normalisation given{{0.1F, 0.2F, 0.3F}, {2, 4, 0.5F}};
  const Tensor<float> x({2, 3}, {1, 2, 3, 0, 0, 0});
  const auto y = given.normalise(x);
  CHECK(y.data()[1] == doctest::Approx(1.8 / 4));
  CHECK(y.data()[5] == doctest::Approx(-0.6));
  const auto back = given.restore(y);
  for (Index i = 0; i < 6; ++i) CHECK(back.data()[i] == doctest::Approx(x.data()[i]));
}

TEST_CASE("channels that do not fit, and those that never change, are refused") {
  const Tensor<float> x({2, 3});
  CHECK_THROWS_AS((Normalisation{{0, 0}, {1, 1}}.normalise(x)), Error);
  CHECK_THROWS_AS((Normalisation{{0, 0, 0}, {1, 1}}.normalise(x)), Error);
  CHECK_THROWS_AS((Normalisation{{0, 0, 0}, {1, 0, 1}}.restore(x)), Error);
  CHECK_THROWS_AS(Normalisation{}.normalise(x), Error);
  const TensorDataset black(Tensor<float>({1, 1, 1, 2, 1}, {0.5F, 0.5F}));
  CHECK_THROWS_WITH_AS(Normalisation::measured(black, 1), "Normalisation: channel 0 is 0.500000 everywhere", Error);
  CHECK_THROWS_AS(Normalisation::measured(black, 0), Error);
}
