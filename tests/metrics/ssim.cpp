// SPDX-License-Identifier: MIT
#include <flipbook/metrics/ssim.hpp>

#include <metrics/checks.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Criterion<Ssim>);

namespace {

/// The formula, window by window and pixel by pixel.
template <class T>
double plain(const StructuralSimilarity& how, const Tensor<T>& x, const Tensor<T>& y) {  // (H, W, C)
  const Index size = how.window, h = x.extent(0), w = x.extent(1), c = x.extent(2);
  const auto weight = [&](Index i, Index j) {
    const double di = static_cast<double>(2 * i - size + 1) / 2, dj = static_cast<double>(2 * j - size + 1) / 2;
    return how.weights == StructuralSimilarity::Weights::uniform
               ? 1
               : std::exp(-(di * di + dj * dj) / (2 * how.sigma * how.sigma));
  };
  double all = 0, sum = 0;
  for (Index i = 0; i < size * size; ++i) all += weight(i / size, i % size);
  const double c1 = std::pow(how.k1 * how.data_range, 2), c2 = std::pow(how.k2 * how.data_range, 2);
  Index windows = 0;
  for (Index channel = 0; channel < c; ++channel) {
    for (Index top = 0; top + size <= h; ++top) {
      for (Index left = 0; left + size <= w; ++left, ++windows) {
        const auto mean = [&](const auto& f) {
          double total = 0;
          for (Index i = 0; i < size * size; ++i) {
            const Index at = ((top + i / size) * w + left + i % size) * c + channel;
            total += weight(i / size, i % size) / all *
                     f(static_cast<double>(x.data()[at]), static_cast<double>(y.data()[at]));
          }
          return total;
        };
        const double mx = mean([](double a, double) { return a; }), my = mean([](double, double b) { return b; });
        const auto pixels = static_cast<double>(size * size);
        const double scale = how.sample_covariance ? pixels / (pixels - 1) : 1;
        const double vx = scale * mean([&](double a, double) { return (a - mx) * (a - mx); });
        const double vy = scale * mean([&](double, double b) { return (b - my) * (b - my); });
        const double covariance = scale * mean([&](double a, double b) { return (a - mx) * (b - my); });
        sum += (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
      }
    }
  }
  return sum / static_cast<double>(windows);
}

template <class T>
double of(const StructuralSimilarity& how, const Tensor<T>& x, const Tensor<T>& y) {
  Ssim ssim(how);
  ssim.add(x, y);
  return ssim.value();
}

}  // namespace

TEST_CASE_TEMPLATE("SSIM is its formula over all windows inside of a frame", T, float, double) {
  for (const Shape& shape : {Shape{11, 11, 1}, Shape{12, 17, 3}, Shape{19, 13, 2}}) {
    const auto x = test::drawn<T>(shape, 1), y = test::drawn<T>(shape, 2);
    for (const auto& how : {StructuralSimilarity{}, StructuralSimilarity::openstl(),
                            StructuralSimilarity{.window = 6, .sigma = 0.7, .k1 = 0.02, .k2 = 0.1, .data_range = 3}}) {
      CAPTURE(how.window);
      CAPTURE(shape);
      CHECK(of(how, x, y) == doctest::Approx(plain(how, x, y)).epsilon(1e-10));
    }
  }
}

TEST_CASE("equal frames have an SSIM of 1, and even ones that of their means") {
  const auto x = test::drawn<float>({2, 3, 16, 15, 3}, 1);
  CHECK(of({}, x, x) == doctest::Approx(1).epsilon(1e-12));
  CHECK(of(StructuralSimilarity::openstl(), x, x) == doctest::Approx(1).epsilon(1e-12));
  const double a = 0.25, b = 0.75, c1 = 1e-4;
  CHECK(of({}, full<double>({11, 12, 1}, a), full<double>({11, 12, 1}, b)) ==
        doctest::Approx((2 * a * b + c1) / (a * a + b * b + c1)).epsilon(1e-9));
}

TEST_CASE("shards joined are the whole") {
  test::check_shards(Ssim{}, test::drawn<float>({3, 2, 12, 13, 1}, 1), test::drawn<float>({3, 2, 12, 13, 1}, 2));
  Ssim one, other(StructuralSimilarity::openstl());
  CHECK_THROWS_AS(one.merge(other), Error);
}

TEST_CASE("frames smaller than the window, and options without sense, are refused") {
  const auto narrow = zeros<float>({2, 20, 10, 1}), low = zeros<float>({2, 6, 20, 1});
  CHECK(test::error_of([&] { of({}, narrow, narrow); }) ==
        "Ssim.add: frames of 20 × 10 pixels are smaller than the window, 11 × 11");
  CHECK_THROWS_AS(of(StructuralSimilarity::openstl(), low, low), Error);
  for (const auto& how :
       {StructuralSimilarity{.window = 0}, StructuralSimilarity{.sigma = 0}, StructuralSimilarity{.data_range = 0},
        StructuralSimilarity{.window = 1, .sample_covariance = true}}) {
    CHECK_THROWS_AS(of(how, low, low), Error);
  }
  auto bad = zeros<float>({12, 12, 1});
  bad.data()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(test::error_of([&] { of({}, bad, zeros<float>({12, 12, 1})); }).starts_with("Ssim.add: prediction: element"));
}
