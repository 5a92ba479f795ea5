// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/resample/grid_sample.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

using namespace flipbook;

namespace {

constexpr Index guard = 64;

Sampling sampling(PaddingMode mode, bool edges, Index samples, Index channels) {
  Sampling s;
  s.samples = samples, s.channels = channels;
  s.across = {.extent = 5, .scale = 2.5, .offset = 2, .padding = mode, .edges = edges};
  s.down = {.extent = 3, .scale = 1.5, .offset = 1, .padding = mode, .edges = edges};
  return s;
}

/// Positions of which one number is no place at all, the other on the picture, and both.
template <class T>
std::vector<T> wild_positions() {
  const T infinite = std::numeric_limits<T>::infinity(), most = std::numeric_limits<T>::max();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  std::vector<T> grid;
  for (const T wild : {nan, infinite, -infinite, most, -most, T(1e30), T(-1e30), T(4e9), T(-4e9), T(1e19)}) {
    for (const auto& [x, y] : {std::pair{wild, T(0.1)}, {T(0.1), wild}, {wild, wild}, {wild, -wild}}) {
      grid.push_back(x), grid.push_back(y);
    }
  }
  return grid;
}

}  // namespace

TEST_CASE_TEMPLATE("wherever a position lies, what is read and written is the picture", T, float, double) {
  const auto grid = wild_positions<T>();
  const Index samples = static_cast<Index>(grid.size()) / 2;
  for (const Index channels : {1, 3, 5, 16}) {
    for (const PaddingMode mode : {PaddingMode::zeros, PaddingMode::border, PaddingMode::reflection}) {
      for (const bool edges : {false, true}) {
        CAPTURE(channels);
        CAPTURE(static_cast<int>(mode));
        const Sampling s = sampling(mode, edges, samples, channels);
        const auto size = static_cast<std::size_t>(15 * channels + 2 * guard);
        std::vector<T> x(size, std::numeric_limits<T>::quiet_NaN());  // what lies around the picture would show
        std::fill(x.begin() + guard, x.end() - guard, T(1));
        std::vector<T> y(static_cast<std::size_t>(samples * channels)), dgrid(grid.size());
        cpu::grid_sample(s, x.data() + guard, grid.data(), y.data());
        cpu::grid_sample_positions(s, x.data() + guard, grid.data(), y.data(), dgrid.data());
        for (Index i = 0; i < samples; ++i) {
          const T* const at = grid.data() + 2 * i;
          const auto lost = [&](T v) {
            return std::isnan(v) || (mode == PaddingMode::reflection && std::isinf(v * T(2.5)));
          };
          for (Index c = 0; c < channels; ++c) {
            const T value = y[static_cast<std::size_t>(i * channels + c)];
            if (lost(at[0]) || lost(at[1])) CHECK(std::isnan(value));
            else CHECK(value == doctest::Approx(mode == PaddingMode::zeros ? 0 : 1));
          }
          if (!lost(at[0]) && !lost(at[1])) CHECK(std::isfinite(dgrid[static_cast<std::size_t>(2 * i)]));
        }
        std::vector<T> dx(size, T(7));
        cpu::grid_sample_adjoint(s, y.data(), grid.data(), dx.data() + guard);
        bool kept = true;
        for (Index i = 0; i < guard; ++i) {
          kept = kept && dx[static_cast<std::size_t>(i)] == 7 && dx[size - 1 - static_cast<std::size_t>(i)] == 7;
        }
        CHECK(kept);
      }
    }
  }
}
