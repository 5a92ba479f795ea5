// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/norm/normalize.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

TEST_CASE_TEMPLATE("means and variances of columns, also far from 0", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 2e-5 : 1e-11;
  for (const double centre : {0.0, 1e3}) {
    for (const auto& [outer, rows, groups, width] :
         {NormGeometry{1, 2, 1, 1}, {1, 701, 37, 1}, {3, 65, 4, 5}, {2, 1000, 1, 64}, {1, 300, 217, 1}}) {
      const NormGeometry g{outer, rows, groups, width};
      Rng rng{4};
      auto x = normal<T>({outer, rows, groups, width}, rng);
      for (T& each : x) each += static_cast<T>(centre);
      auto mean = full<T>({g.sets()}, -7), variance = full<T>({g.sets()}, -7);
      cpu::column_statistics(g, x.data(), mean.data(), variance.data());
      for (Index set = 0; set < g.sets(); ++set) {
        const Index n = set / groups, group = set % groups;
        const auto total = [&](const auto& term) {
          double sum = 0;
          for (Index row = 0; row < rows; ++row) {
            for (Index k = 0; k < width; ++k) {
              sum += term(static_cast<double>(x.data()[((n * rows + row) * groups + group) * width + k]));
            }
          }
          return sum / static_cast<double>(g.set_size());
        };
        const double m = total([](double v) { return v; }), v = total([&](double u) { return (u - m) * (u - m); });
        CHECK(std::abs(static_cast<double>(mean.data()[set]) - m) < tolerance * (1 + centre) / 10);
        // Numbers of size 10³ are 6e-5 apart in float; their differences from the mean carry that.
        CHECK(static_cast<double>(variance.data()[set]) ==
              doctest::Approx(v).epsilon(centre > 0 ? 50 * tolerance : tolerance));
      }
    }
  }
}

TEST_CASE_TEMPLATE("normalised rows have mean 0 and variance 1, and what was given as weight and bias", T, float,
                   double) {
  for (const Index width : {2, 7, 16, 33, 256}) {
    const NormGeometry g{13, 1, 1, width};
    Rng rng{5};
    const auto x = normal<T>({13, width}, rng), weight = full<T>({width}, 3), bias = full<T>({width}, -2);
    auto y = full<T>({13, width}, 99), mean = full<T>({13}, 99), variance = full<T>({13}, 99);
    cpu::normalize_rows(g, 0, true, x.data(), weight.data(), bias.data(), y.data(), mean.data(), variance.data());
    for (Index row = 0; row < 13; ++row) {
      double sum = 0, square = 0;
      for (Index j = 0; j < width; ++j) {
        const double v = (static_cast<double>(y.data()[row * width + j]) + 2) / 3;
        sum += v, square += v * v;
      }
      CHECK(std::abs(sum) < 1e-4 * static_cast<double>(width));
      CHECK(square / static_cast<double>(width) == doctest::Approx(1).epsilon(1e-4));
    }
  }
}
