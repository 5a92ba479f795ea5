// SPDX-License-Identifier: MIT
#include <flipbook/data/fft.hpp>

#include <doctest/doctest.h>

#include <complex>

#include <flipbook/core/random.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("the transform is the sum that defines it, and the inverse undoes it", T, float, double) {
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (const Index n : {16L, 32L, 64L}) {  // with and without a last step of radix 2
    CAPTURE(n);
    const Index size = n * n;
    Fft2d<T> fft(n);
    Tensor<T> field({2, n, n});
    Rng rng{1};
    for (T& x : field) x = static_cast<T>(rng.uniform(-1, 1));
    Tensor<T> spectrum = field.clone();
    fft.forward(spectrum);
    for (const auto& [p, q] : {std::pair{0L, 0L}, {1L, 0L}, {0L, 1L}, {5L, n - 3}, {n / 2, 7L}}) {
      std::complex<double> sum = 0;
      for (Index y = 0; y < n; ++y) {
        for (Index x = 0; x < n; ++x) {
          const double turns = static_cast<double>(p * x + q * y) / static_cast<double>(n);
          sum += std::complex<double>(field.data()[y * n + x], field.data()[size + y * n + x]) *
                 std::polar(1.0, -2 * std::numbers::pi * turns);
        }
      }
      const std::complex<double> found(spectrum.data()[p * n + q], spectrum.data()[size + p * n + q]);
      CHECK(std::abs(found - sum) < tolerance * static_cast<double>(size));
    }
    fft.inverse(spectrum);
    double worst = 0;
    for (Index i = 0; i < 2 * size; ++i)
      worst = std::max(worst, std::abs(static_cast<double>(spectrum.data()[i]) / static_cast<double>(size) -
                                       static_cast<double>(field.data()[i])));
    CHECK(worst < 2 * tolerance);
  }
}

TEST_CASE("sizes that are no powers of two are refused") {
  for (const Index n : {0L, 1L, 8L, 48L, -64L}) CHECK_THROWS_AS(Fft2d<float>{n}, Error);
}
