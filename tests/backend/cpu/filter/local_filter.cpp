// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/filter/local_filter.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "reference/drawn.hpp"

using namespace flipbook;

namespace {

constexpr Index guard = 64;

/// Numbers with NaN on both sides, which would show in what is made of them, and where it is written over.
template <class T>
struct Guarded {
  std::vector<T> all;

  explicit Guarded(Index size) : all(reference::poisoned<T>(size + 2 * guard)) {}
  Guarded(Index size, Rng& rng) : Guarded(size) {
    std::ranges::copy(reference::drawn<T>(size, rng), all.begin() + guard);
  }
  T* data() { return all.data() + guard; }
  bool kept() const {
    const auto nan = [](T v) { return std::isnan(v); };
    return std::all_of(all.begin(), all.begin() + guard, nan) && std::all_of(all.end() - guard, all.end(), nan);
  }
};

/// Calls body(place in the filters, place in x, place in y) for each product of the definition.
template <class Body>
void each_product(const LocalFilterGeometry& g, const Body& body) {
  for (Index n = 0; n < g.frames; ++n) {
    for (Index i = 0; i < g.height; ++i) {
      for (Index j = 0; j < g.width; ++j) {
        const Index block = (n * g.rows + i / g.block_height()) * g.columns + j / g.block_width();
        for (Index tap = 0; tap < g.taps(); ++tap) {
          const Index row = i + tap / g.kernel - g.reach(), column = j + tap % g.kernel - g.reach();
          if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
          for (Index c = 0; c < g.channels; ++c) {
            body(block * g.taps() + tap, ((n * g.height + row) * g.width + column) * g.channels + c,
                 ((n * g.height + i) * g.width + j) * g.channels + c);
          }
        }
      }
    }
  }
}

/// The largest difference, or infinity where a number is none.
template <class T>
double difference(T* from, const std::vector<double>& expected) {
  double largest = 0;
  for (const double value : expected) {
    const double error = std::abs(static_cast<double>(*from++) - value);
    if (!(error <= largest)) largest = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  return largest;
}

LocalFilterGeometry drawn_geometry(Rng& rng) {
  LocalFilterGeometry g{.frames = 1 + rng.below(2), .rows = 1 + rng.below(4), .columns = 1 + rng.below(4)};
  g.height = g.rows * (1 + rng.below(6)), g.width = g.columns * (1 + rng.below(9)), g.channels = 1 + rng.below(20);
  g.kernel = 1 + 2 * rng.below(4);
  return g;
}

}  // namespace

TEST_CASE_TEMPLATE("what is read and written are pictures and filters, whatever lies around them", T, float, double) {
  Rng rng{3};
  for (int i = 0; i < reference::cases(60); ++i) {
    const LocalFilterGeometry g = drawn_geometry(rng);
    CAPTURE(g.frames);
    CAPTURE(g.height);
    CAPTURE(g.width);
    CAPTURE(g.channels);
    CAPTURE(g.rows);
    CAPTURE(g.columns);
    CAPTURE(g.kernel);
    const Index numbers = g.frames * g.height * g.width * g.channels,
                weights = g.frames * g.rows * g.columns * g.taps();
    Guarded<T> x(numbers, rng), dy(numbers, rng), filters(weights, rng), y(numbers), dx(numbers), dfilters(weights);
    cpu::local_filter(g, x.data(), filters.data(), y.data());
    cpu::local_filter_adjoint(g, dy.data(), filters.data(), dx.data());
    cpu::local_filter_gradient(g, x.data(), dy.data(), dfilters.data());

    std::vector<double> y_sum(static_cast<std::size_t>(numbers)), dx_sum(y_sum);
    std::vector<double> dfilters_sum(static_cast<std::size_t>(weights));
    each_product(g, [&](Index filter, Index from, Index to) {
      const auto w = static_cast<double>(filters.data()[filter]), v = static_cast<double>(x.data()[from]);
      const auto d = static_cast<double>(dy.data()[to]);
      y_sum[static_cast<std::size_t>(to)] += w * v;
      dx_sum[static_cast<std::size_t>(from)] += w * d;
      dfilters_sum[static_cast<std::size_t>(filter)] += d * v;
    });
    const double allowed = std::is_same_v<T, float> ? 2e-4 : 1e-12;  // of sums of up to a thousand products
    CHECK(difference(y.data(), y_sum) < allowed);
    CHECK(difference(dx.data(), dx_sum) < allowed);
    CHECK(difference(dfilters.data(), dfilters_sum) < allowed);
    CHECK((x.kept() && dy.kept() && filters.kept() && y.kept() && dx.kept() && dfilters.kept()));
  }
}
