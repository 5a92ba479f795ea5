// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/conv/winograd/winograd.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <flipbook/backend/cpu/conv/conv.hpp>
#include <flipbook/core/fill.hpp>

#include "reference/drawn.hpp"

using namespace flipbook;
using Axes = ConvGeometry::Axes;

namespace {

struct Case {
  const char* name;
  Index batch;
  Axes input;
  Index in, out;
  Axes kernel, stride, padding;
  Axes dilation = {1, 1, 1};
};

// Odd extents, so that tiles and phases are cut off, and channels that are no multiple of a panel.
const Case cases[] = {
    {"5 × 5", 2, {1, 17, 19}, 32, 48, {1, 5, 5}, {1, 1, 1}, {0, 2, 2}},
    {"5 × 5 without padding, of clips", 1, {3, 21, 14}, 48, 32, {1, 5, 5}, {1, 1, 1}, {0, 0, 0}},
    {"3 × 3", 3, {1, 37, 33}, 32, 80, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}},
    {"3 × 3 with other padding", 2, {1, 32, 41}, 32, 32, {1, 3, 3}, {1, 1, 1}, {0, 0, 2}},
    {"4 × 4, stride 2", 9, {1, 31, 34}, 48, 32, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"4 × 4, stride 2, of clips", 5, {3, 29, 26}, 32, 32, {1, 4, 4}, {1, 2, 2}, {0, 0, 2}},
    {"4 × 4 × 4, stride 2", 3, {19, 17, 16}, 32, 48, {4, 4, 4}, {2, 2, 2}, {1, 1, 1}},
    {"4 × 4 × 4, stride 2, without padding", 5, {21, 18, 18}, 48, 32, {4, 4, 4}, {2, 2, 2}, {0, 0, 0}},
    {"3 × 3 × 3", 2, {5, 17, 22}, 32, 48, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}},
    {"3 × 3 × 3, the first axis dilated", 1, {9, 18, 13}, 32, 32, {3, 3, 3}, {1, 1, 1}, {2, 1, 0}, {2, 1, 1}},
    {"3 × 3 × 3, frames at stride 2", 2, {7, 13, 19}, 48, 32, {3, 3, 3}, {2, 1, 1}, {1, 1, 1}},
    {"3 × 4 × 4, stride 2 in images", 2, {4, 18, 21}, 32, 48, {3, 4, 4}, {1, 2, 2}, {1, 1, 1}},
    {"4 × 4 × 4, stride 2 in images", 2, {7, 19, 17}, 48, 32, {4, 4, 4}, {1, 2, 2}, {0, 1, 1}},
    {"3 × 1 × 1", 3, {13, 7, 9}, 32, 48, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}},
    {"5 × 1 × 1, images at stride 1", 3, {14, 7, 8}, 32, 32, {5, 1, 1}, {1, 1, 1}, {2, 0, 0}},
    {"a line of 5", 7, {1, 1, 71}, 48, 32, {1, 1, 5}, {1, 1, 1}, {0, 0, 2}},
    {"a line of 7, stride 2", 7, {1, 1, 74}, 32, 32, {1, 1, 7}, {1, 1, 2}, {0, 0, 3}},
    {"5 × 3", 3, {1, 19, 25}, 32, 48, {1, 5, 3}, {1, 1, 1}, {0, 2, 1}},
    {"3 × 3 × 1", 2, {9, 14, 5}, 32, 32, {3, 3, 1}, {1, 1, 1}, {1, 1, 0}},
    {"2 × 2", 3, {1, 17, 22}, 32, 32, {1, 2, 2}, {1, 1, 1}, {0, 0, 1}},
    {"4 × 4", 3, {1, 17, 22}, 48, 32, {1, 4, 4}, {1, 1, 1}, {0, 1, 2}},
    {"7 × 7", 2, {1, 23, 18}, 32, 48, {1, 7, 7}, {1, 1, 1}, {0, 3, 3}},
    {"3 × 3, stride 2", 5, {1, 27, 34}, 32, 32, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}},
    {"5 × 5, stride 2", 4, {1, 27, 34}, 32, 48, {1, 5, 5}, {1, 2, 2}, {0, 2, 2}},
    {"7 × 7, stride 2", 4, {1, 27, 34}, 48, 32, {1, 7, 7}, {1, 2, 2}, {0, 3, 3}},
    {"3 × 3, dilated", 2, {1, 27, 34}, 32, 48, {1, 3, 3}, {1, 1, 1}, {0, 2, 2}, {1, 2, 2}},
    {"3 × 3 × 3, dilated", 1, {7, 17, 14}, 32, 32, {3, 3, 3}, {1, 1, 1}, {2, 3, 2}, {2, 3, 2}},
    {"5 × 5, frames at stride 2, dilated", 1, {6, 19, 22}, 32, 32, {3, 5, 5}, {2, 1, 1}, {1, 4, 4}, {1, 2, 2}},
    {"5 × 5, stride 3", 5, {1, 32, 37}, 32, 32, {1, 5, 5}, {1, 3, 3}, {0, 2, 2}},
};

constexpr Index most_samples = reference::emulated ? 2 : std::numeric_limits<Index>::max();

ConvGeometry geometry(const Case& c) {
  ConvGeometry g;
  g.batch = std::min(c.batch, most_samples), g.input = c.input, g.in_channels = c.in, g.out_channels = c.out;
  g.kernel = c.kernel, g.stride = c.stride, g.padding = c.padding, g.dilation = c.dilation;
  g.fit_output();
  return g;
}

/// Calls f for every case with every filter along as many axes as there can be: cases with fewer cover the others. Of
/// every second case, where the processor is emulated.
template <class T, class F>
void each_case(const F& f) {
  for (std::size_t i = 0; i < std::size(cases); i += reference::emulated ? 2 : 1) {
    const Case& c = cases[i];
    const ConvGeometry g = geometry(c);
    int most = 0;
    cpu::winograd::each_scheme<T>(g, [&](const auto& scheme) { most = std::max(most, scheme.axes()); });
    REQUIRE(most > 0);
    cpu::winograd::each_scheme<T>(g, [&](const cpu::winograd::Scheme<T>& scheme) {
      if (scheme.axes() < most) return;
      CAPTURE(std::string(c.name));
      CAPTURE(scheme.filter->outputs);
      f(c, g, scheme);
    });
  }
}

template <class T>
Tensor<T> poisoned(Index size) {
  return full<T>({size}, std::numeric_limits<double>::quiet_NaN());
}

/// The largest difference, of the largest number.
template <class T>
double difference(const Tensor<T>& a, const Tensor<T>& b) {
  double largest = 0, worst = 0;
  for (Index i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(b.data()[i])));
    const double error = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
    if (std::isnan(error)) return error;
    worst = std::max(worst, error);
  }
  return worst / largest;
}

/// Compares with the direct convolution, its adjoint and its gradient.
template <class T>
void check_scheme(const ConvGeometry& g, const cpu::winograd::Scheme<T>& scheme) {
  const bool large = scheme.filter->points == 8;  // more cancels
  const double tolerance = std::is_same_v<T, float> ? (large ? 3e-5 : 1e-5) : large ? 5e-14 : 1e-14;
  Rng rng{5};
  const auto x = normal<T>({g.inputs() * g.in_channels}, rng), y = normal<T>({g.outputs() * g.out_channels}, rng);
  const auto w = normal<T>({g.taps() * g.in_channels * g.out_channels}, rng);
  const auto bias = normal<T>({std::max(g.in_channels, g.out_channels)}, rng);
  for (const T* const start : {static_cast<const T*>(nullptr), bias.data()}) {
    auto short_y = poisoned<T>(y.size()), direct_y = poisoned<T>(y.size());
    cpu::winograd::conv<T>(scheme, g, x.data(), w.data(), start, short_y.data());
    cpu::direct_conv<T>(g, x.data(), w.data(), start, direct_y.data());
    CHECK(difference(short_y, direct_y) < tolerance);
    auto short_x = poisoned<T>(x.size()), direct_x = poisoned<T>(x.size());
    cpu::winograd::conv_transpose<T>(scheme, g, y.data(), w.data(), start, short_x.data());
    cpu::direct_conv_transpose<T>(g, y.data(), w.data(), start, direct_x.data());
    CHECK(difference(short_x, direct_x) < tolerance);
  }
  auto short_w = poisoned<T>(w.size()), direct_w = poisoned<T>(w.size());
  cpu::winograd::conv_weight<T>(scheme, g, x.data(), y.data(), short_w.data());
  cpu::direct_conv_weight<T>(g, x.data(), y.data(), direct_w.data());
  CHECK(difference(short_w, direct_w) < tolerance);
}

template <std::size_t m, std::size_t r>
void check_filter() {
  const auto all = cpu::winograd::matrices<m, r>();
  std::array<double, m + r - 1> d;
  std::array<double, r> g;
  Rng rng{3};
  const auto drawn = normal<double>({Index{2 * (m + r)}}, rng);
  std::copy_n(drawn.data(), d.size(), d.begin());
  std::copy_n(drawn.data() + d.size(), r, g.begin());
  for (std::size_t i = 0; i < m; ++i) {
    double expected = 0, sum = 0;
    for (std::size_t k = 0; k < r; ++k) expected += d[i + k] * g[k];
    for (std::size_t j = 0; j < d.size(); ++j) {
      double u = 0, v = 0;
      for (std::size_t k = 0; k < r; ++k) u += all.g[j][k] * g[k];
      for (std::size_t k = 0; k < d.size(); ++k) v += all.b[j][k] * d[k];
      sum += all.a[i][j] * u * v;
    }
    CHECK(sum == doctest::Approx(expected).epsilon(1e-12));
  }
}

}  // namespace

TEST_CASE("the matrices filter: m outputs of r taps by m + r − 1 products") {
  check_filter<2, 2>();
  check_filter<4, 3>();
  check_filter<2, 5>();
  check_filter<4, 2>();
  check_filter<4, 5>();
  check_filter<3, 4>();
  check_filter<2, 7>();
}

TEST_CASE_TEMPLATE("the shorter way gives the same convolution, adjoint and weight gradient as the direct one", T,
                   float, double) {
  each_case<T>([](const Case&, const ConvGeometry& g, const auto& scheme) { check_scheme<T>(g, scheme); });
}

TEST_CASE_TEMPLATE("convolutions drawn at random, along every set of axes", T, float, double) {
  Rng rng{17};
  const auto draw = [&](Index least, Index most) { return least + rng.below(most - least + 1); };
  int checked = 0;
  for (int i = 0; i < reference::cases(200); ++i) {
    ConvGeometry g;
    g.batch = draw(1, 2), g.in_channels = cpu::lanes<T> * draw(1, 3), g.out_channels = cpu::lanes<T> * draw(1, 3);
    const Index most = draw(2, 7), alike = draw(1, most), stride = draw(1, 3);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      g.kernel[axis] = draw(0, 2) > 0 ? alike : draw(1, most);
      g.stride[axis] = std::min(g.kernel[axis], draw(0, 2) > 0 ? stride : draw(1, 3));
      g.dilation[axis] = draw(0, 4) > 0 ? 1 : draw(1, 3);
      const Index reach = g.dilation[axis] * (g.kernel[axis] - 1) + 1;
      g.padding[axis] = draw(0, reach - 1);
      g.input[axis] = draw(std::max(Index{1}, reach - 2 * g.padding[axis]), reach + 9);
    }
    g.fit_output();
    if (g.multiply_adds() > 4'000'000) continue;
    CAPTURE(i);
    cpu::winograd::each_scheme<T>(g, [&](const auto& scheme) { check_scheme<T>(g, scheme), ++checked; });
  }
  CHECK(checked > reference::cases(100));
}

TEST_CASE_TEMPLATE("channels that do not fill vectors take the shorter way beside channels of zeros", T, float,
                   double) {
  Rng rng{31};
  for (const Index kernel : {3, 4, 5}) {
    CAPTURE(kernel);
    if (reference::emulated && kernel != 3) continue;
    ConvGeometry g;
    g.batch = kernel == 4 ? 9 : 2, g.input = {1, 33, 34}, g.in_channels = 45, g.out_channels = kernel == 5 ? 64 : 61;
    g.kernel = {1, kernel, kernel}, g.padding = {0, 1, 1};
    if (kernel == 4) g.stride = {1, 2, 2};
    g.fit_output();
    REQUIRE(cpu::PaddedChannels<T>(g).fits());
    const double tolerance = std::is_same_v<T, float> ? 3e-5 : 5e-14;
    const auto x = normal<T>({g.inputs() * g.in_channels}, rng), y = normal<T>({g.outputs() * g.out_channels}, rng);
    const auto w = normal<T>({g.taps() * g.in_channels * g.out_channels}, rng), bias = normal<T>({64}, rng);
    const T* const none = nullptr;
    auto short_y = poisoned<T>(y.size()), direct_y = poisoned<T>(y.size());
    cpu::conv(g, x.data(), w.data(), bias.data(), short_y.data());
    cpu::direct_conv<T>(g, x.data(), w.data(), bias.data(), direct_y.data());
    CHECK(difference(short_y, direct_y) < tolerance);
    for (const T* const start : {none, bias.data()}) {
      auto short_x = poisoned<T>(x.size()), direct_x = poisoned<T>(x.size());
      cpu::conv_transpose(g, y.data(), w.data(), start, short_x.data());
      cpu::direct_conv_transpose<T>(g, y.data(), w.data(), start, direct_x.data());
      CHECK(difference(short_x, direct_x) < tolerance);
    }
    auto short_w = poisoned<T>(w.size()), direct_w = poisoned<T>(w.size());
    cpu::conv_weight(g, x.data(), y.data(), short_w.data());
    cpu::direct_conv_weight<T>(g, x.data(), y.data(), direct_w.data());
    CHECK(difference(short_w, direct_w) < tolerance);
  }
  ConvGeometry g;
  g.batch = 2, g.input = {1, 33, 34}, g.kernel = {1, 3, 3}, g.padding = {0, 1, 1}, g.fit_output();
  g.in_channels = g.out_channels = 64;
  CHECK(!cpu::PaddedChannels<T>(g).fits());  // they are whole
  g.in_channels = g.out_channels = 23;
  CHECK(!cpu::PaddedChannels<T>(g).fits());  // too few
}

TEST_CASE_TEMPLATE("by factors rounded to bfloat16 it differs by their rounding, of which long filters have more", Pair,
                   cpu::BfloatPair) {
  if constexpr (cpu::multiplies_pairs && cpu::Multiplicand<Pair>) {
    each_case<float>([](const Case& c, const ConvGeometry& g, const cpu::winograd::Scheme<float>& scheme) {
      Rng rng{5};
      const auto x = normal<float>({g.inputs() * c.in}, rng), y = normal<float>({g.outputs() * c.out}, rng);
      const auto w = normal<float>({g.taps() * c.in * c.out}, rng), bias = normal<float>({std::max(c.in, c.out)}, rng);
      const double tolerance = scheme.filter->points == 8 ? 0.12 : 0.03;
      auto short_y = poisoned<float>(y.size()), direct_y = poisoned<float>(y.size());
      cpu::winograd::conv<Pair>(scheme, g, x.data(), w.data(), bias.data(), short_y.data());
      cpu::direct_conv<float>(g, x.data(), w.data(), bias.data(), direct_y.data());
      CHECK(difference(short_y, direct_y) < tolerance);
      auto short_x = poisoned<float>(x.size()), direct_x = poisoned<float>(x.size());
      cpu::winograd::conv_transpose<Pair>(scheme, g, y.data(), w.data(), bias.data(), short_x.data());
      cpu::direct_conv_transpose<float>(g, y.data(), w.data(), bias.data(), direct_x.data());
      CHECK(difference(short_x, direct_x) < tolerance);
      auto short_w = poisoned<float>(w.size()), direct_w = poisoned<float>(w.size());
      cpu::winograd::conv_weight<Pair>(scheme, g, x.data(), y.data(), short_w.data());
      cpu::direct_conv_weight<float>(g, x.data(), y.data(), direct_w.data());
      CHECK(difference(short_w, direct_w) < tolerance);
    });
  }
}

TEST_CASE("the same bits on any number of threads") {
  const int before = threads();
  each_case<float>([](const Case& c, const ConvGeometry& g, const cpu::winograd::Scheme<float>& scheme) {
    Rng rng{6};
    const auto x = normal<float>({g.inputs() * c.in}, rng), y = normal<float>({g.outputs() * c.out}, rng);
    const auto w = normal<float>({g.taps() * c.in * c.out}, rng);
    std::vector<std::vector<float>> results;
    for (const int count : {1, 2, 3}) {
      set_threads(count);
      auto to_x = poisoned<float>(x.size()), to_y = poisoned<float>(y.size()), to_w = poisoned<float>(w.size());
      const float* const none = nullptr;
      cpu::winograd::conv<float>(scheme, g, x.data(), w.data(), none, to_y.data());
      cpu::winograd::conv_transpose<float>(scheme, g, y.data(), w.data(), none, to_x.data());
      cpu::winograd::conv_weight<float>(scheme, g, x.data(), y.data(), to_w.data());
      std::vector<float>& all = results.emplace_back();
      for (const auto& each : {to_x, to_y, to_w}) all.insert(all.end(), each.begin(), each.end());
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  });
  set_threads(before);
}

TEST_CASE("where it is not open or does not pay, it is not taken") {
  const ConvGeometry taken = geometry(cases[0]);
  const auto open = [](const ConvGeometry& g) { return cpu::winograd::scheme_of<float>(g).filter != nullptr; };
  REQUIRE(open(taken));
  const auto changed = [&](const auto& change) {
    ConvGeometry g = taken;
    change(g);
    return open(g);
  };
  CHECK_FALSE(changed([](ConvGeometry& g) { g.in_channels = 33; }));
  CHECK_FALSE(changed([](ConvGeometry& g) { g.out_channels = 4; }));
  CHECK_FALSE(changed([](ConvGeometry& g) { g.groups = 2; }));
  CHECK_FALSE(changed([](ConvGeometry& g) { g.kernel = g.stride = {1, 2, 2}; }));
  CHECK_FALSE(changed([](ConvGeometry& g) { g.dilation = g.stride = {1, 2, 2}; }));
  CHECK_FALSE(changed([](ConvGeometry& g) { g.batch = 1, g.output = {1, 9, 9}; }));
}

TEST_CASE("of several filters the one with the fewest products is taken") {
  const auto outputs = [](const ConvGeometry& g) { return cpu::winograd::scheme_of<float>(g).filter->outputs; };
  ConvGeometry g = geometry(cases[0]);
  g.batch = 8, g.output = g.input = {1, 16, 16};
  CHECK(outputs(g) == 4);
  g.output = g.input = {1, 10, 10};  // 3² tiles of 4², or 5² of 2²
  CHECK(outputs(g) == 4);
  g.batch = 256, g.output = g.input = {1, 2, 2};
  CHECK(outputs(g) == 2);
}
