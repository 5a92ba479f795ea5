// SPDX-License-Identifier: MIT
#include <flipbook/backend/cpu/conv/conv.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include "reference/conv.hpp"
#include "reference/drawn.hpp"

namespace {

using flipbook::ConvGeometry;
using flipbook::Index;
using flipbook::Rng;
using reference::drawn, reference::poisoned;
namespace cpu = flipbook::cpu;

Index between(Rng& rng, Index low, Index high) { return low + rng.below(high - low + 1); }
Index pick(Rng& rng, std::initializer_list<Index> choices) {
  return choices.begin()[rng.below(static_cast<Index>(choices.size()))];
}

/// A convolution of one to three axes, of every stride, dilation and padding, in groups or not.
ConvGeometry drawn_geometry(Rng& rng) {
  ConvGeometry g;
  const Index axes = between(rng, 1, 3);
  g.batch = pick(rng, {0, 1, 1, 1, 2, 3, 9});
  g.groups = pick(rng, {1, 1, 1, 2, 3});
  const auto channels = [&] { return pick(rng, {1, 1, 2, 3, 3, 5, 8, 13, 16, 17, 31, 32, 33, 70}); };
  g.in_channels = channels();
  g.out_channels = channels();
  if (g.groups > 1) {
    g.in_channels = (1 + g.in_channels / 4) * g.groups;
    g.out_channels = (1 + g.out_channels / 4) * g.groups;
  }
  for (std::size_t axis = static_cast<std::size_t>(3 - axes); axis < 3; ++axis) {
    g.kernel[axis] = between(rng, 1, axes == 3 ? 3 : 5);
    g.stride[axis] = between(rng, 1, 3);
    g.dilation[axis] = between(rng, 1, 2);
    g.padding[axis] = between(rng, 0, 3);
    const Index reach = g.dilation[axis] * (g.kernel[axis] - 1) + 1, after = between(rng, 0, 3);
    do g.input[axis] = between(rng, 1, axes == 1 ? 40 : axes == 2 ? 9 : 6);
    while (g.input[axis] + g.padding[axis] + after < reach);
    g.output[axis] = (g.input[axis] + g.padding[axis] + after - reach) / g.stride[axis] + 1;
  }
  return g;
}

/// Whether they differ by no more than the rounding of a sum of so many products of numbers of size one.
template <class T>
void check_close(const std::vector<T>& got, const std::vector<double>& wanted, Index products) {
  const double tolerance = std::numeric_limits<T>::epsilon() * (64 + 4 * double(products));
  REQUIRE(got.size() == wanted.size());
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double error = std::abs(double(got[i]) - wanted[i]);
    worst = error > worst || std::isnan(error) ? error : worst;
    if (std::isnan(error)) break;
  }
  CHECK(worst <= tolerance);
}

/// @param rounded  to what bfloat16 holds
template <class T>
void check_all(const ConvGeometry& g, Rng& rng, bool rounded = false) {
  const auto axes = [](const ConvGeometry::Axes& a) { return flipbook::text("(", a[0], ", ", a[1], ", ", a[2], ")"); };
  INFO("batch ", g.batch, ", ", g.in_channels, " to ", g.out_channels, " channels in ", g.groups, " groups, input ",
       axes(g.input), ", output ", axes(g.output), ", kernel ", axes(g.kernel), ", stride ", axes(g.stride),
       ", dilation ", axes(g.dilation), ", padding ", axes(g.padding));
  const Index inputs = g.inputs() * g.in_channels, outputs = g.outputs() * g.out_channels;
  const Index weights = g.taps() * (g.in_channels / g.groups) * g.out_channels;
  auto x = drawn<T>(inputs, rng), y = drawn<T>(outputs, rng), w = drawn<T>(weights, rng);
  for (auto* numbers : {&x, &y, &w}) {
    for (T& value : *numbers) value = rounded ? static_cast<T>(static_cast<float>(flipbook::bfloat16(value))) : value;
  }
  const auto bias = drawn<T>(std::max(g.in_channels, g.out_channels), rng);
  const T* const some = rng.below(2) == 0 ? nullptr : bias.data();
  {
    INFO("conv");
    auto got = poisoned<T>(outputs);
    auto wanted = poisoned<double>(outputs);
    cpu::conv(g, x.data(), w.data(), some, got.data());
    reference::conv(g, x.data(), w.data(), some, wanted.data());
    check_close(got, wanted, g.taps() * g.in_channels / g.groups);
  }
  {
    INFO("conv_transpose");
    auto got = poisoned<T>(inputs);
    auto wanted = poisoned<double>(inputs);
    cpu::conv_transpose(g, y.data(), w.data(), some, got.data());
    reference::conv_transpose(g, y.data(), w.data(), some, wanted.data());
    check_close(got, wanted, g.taps() * g.out_channels / g.groups);
  }
  {
    INFO("conv_weight");
    auto got = poisoned<T>(weights);
    auto wanted = poisoned<double>(weights);
    cpu::conv_weight(g, x.data(), y.data(), got.data());
    reference::conv_weight(g, x.data(), y.data(), wanted.data());
    check_close(got, wanted, g.outputs());
  }
}

/// One of few input channels, with lines of outputs that fill tiles.
ConvGeometry drawn_narrow_geometry(Rng& rng) {
  ConvGeometry g = drawn_geometry(rng);
  g.groups = 1, g.dilation = {1, 1, 1};
  g.in_channels = between(rng, 1, 4), g.out_channels = 16 * between(rng, 1, 5) - pick(rng, {0, 0, 1, 3});
  for (std::size_t axis = 0; axis < 3; ++axis) {
    const Index spare = between(rng, 0, axis == 2 ? 30 : 3);
    g.output[axis] += spare, g.input[axis] += spare * g.stride[axis];
  }
  return g;
}

/// One with lines of outputs that are long, or many, and whose channels mostly do not fill vectors.
ConvGeometry drawn_geometry_of_lines(Rng& rng) {
  ConvGeometry g = drawn_geometry(rng);
  g.groups = 1;
  g.in_channels = pick(rng, {1, 4, 7, 14, 16, 20, 30, 33}),
  g.out_channels = pick(rng, {1, 2, 3, 4, 8, 13, 16, 17, 31, 37});
  const Index along = pick(rng, {0, 10, 40}), down = pick(rng, {0, 3, 10});
  g.output[2] += along, g.input[2] += along * g.stride[2];
  g.output[1] += down, g.input[1] += down * g.stride[1];
  return g;
}

/// One of groups that do not fill a vector, mostly of one channel.
ConvGeometry drawn_grouped_geometry(Rng& rng) {
  ConvGeometry g = drawn_geometry(rng);
  g.groups = pick(rng, {2, 3, 7, 16, 17, 33, 40, 70});
  const Index in = pick(rng, {1, 1, 1, 2, 3, 4, 8}), out = rng.below(3) > 0 ? in : pick(rng, {1, 2, 3, 5});
  g.in_channels = in * g.groups, g.out_channels = out * g.groups;
  const std::size_t axis = static_cast<std::size_t>(between(rng, 0, 2));  // of a longer kernel, on longer lines
  const Index longer = between(rng, 0, 3), spare = between(rng, 0, 20);
  g.kernel[axis] += longer, g.input[axis] += longer * g.dilation[axis];
  g.input[2] += spare * g.stride[2], g.output[2] += spare;
  return g;
}

/// One whose groups fill vectors, on one side at least.
ConvGeometry drawn_geometry_of_wide_groups(Rng& rng) {
  ConvGeometry g = drawn_geometry(rng);
  g.groups = pick(rng, {2, 3, 5});
  g.in_channels = pick(rng, {1, 2, 4, 9, 16, 20, 33}) * g.groups;
  g.out_channels = pick(rng, {16, 17, 26, 40}) * g.groups;
  if (rng.below(2) == 0) std::swap(g.in_channels, g.out_channels);
  const Index spare = between(rng, 0, 20);
  g.input[2] += spare * g.stride[2], g.output[2] += spare;
  return g;
}

/// The geometry of a cube-shaped convolution over an image of `extent`.
ConvGeometry geometry(Index batch, ConvGeometry::Axes extent, Index in, Index out, ConvGeometry::Axes kernel,
                      ConvGeometry::Axes stride, ConvGeometry::Axes padding) {
  ConvGeometry g;
  g.batch = batch, g.input = extent, g.in_channels = in, g.out_channels = out;
  g.kernel = kernel, g.stride = stride, g.padding = padding;
  g.fit_output();
  return g;
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions of any geometry agree with their definition", T, float, double) {
  Rng rng{2024};
  for (int i = 0; i < reference::cases(300); ++i) {
    CAPTURE(i);
    check_all<T>(drawn_geometry(rng), rng);
  }
}

TEST_CASE_TEMPLATE("reductions longer than a block of the cache agree with their definition", T, float, double) {
  Rng rng{7};
  check_all<T>(geometry(2, {1, 4, 5}, 513, 35, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}), rng);
  check_all<T>(geometry(1, {1, 6, 6}, 300, 1, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}), rng);
  check_all<T>(geometry(1, {1, 2, 2}, 1030, 3, {1, 2, 2}, {1, 1, 1}, {0, 0, 0}), rng);
  check_all<T>(geometry(3, {1, 1, 1}, 70, 600, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}), rng);
}

TEST_CASE_TEMPLATE("the layers of a video network agree with their definition", T, float, double) {
  Rng rng{11};
  check_all<T>(geometry(2, {4, 8, 8}, 3, 64, {3, 4, 4}, {1, 2, 2}, {1, 1, 1}), rng);
  check_all<T>(geometry(2, {3, 5, 5}, 32, 48, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}), rng);
  check_all<T>(geometry(16, {1, 4, 4}, 40, 64, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}), rng);
  check_all<T>(geometry(16, {1, 4, 4}, 96, 10, {1, 4, 4}, {1, 1, 1}, {0, 0, 0}), rng);
}

TEST_CASE_TEMPLATE("few channels on one side agree with their definition", T, float, double) {
  Rng rng{13};
  for (int i = 0; i < reference::cases(100); ++i) {
    CAPTURE(i);
    check_all<T>(drawn_narrow_geometry(rng), rng);
  }
  check_all<T>(geometry(1, {2, 37, 41}, 3, 48, {3, 4, 4}, {1, 2, 2}, {1, 1, 1}), rng);
  check_all<T>(geometry(2, {1, 19, 100}, 1, 32, {1, 7, 7}, {1, 1, 1}, {0, 3, 3}), rng);
}

TEST_CASE_TEMPLATE("channels that do not fill vectors agree with their definition", T, float, double) {
  Rng rng{29};
  for (int i = 0; i < reference::cases(100); ++i) {
    CAPTURE(i);
    check_all<T>(drawn_geometry_of_lines(rng), rng);
  }
  check_all<T>(geometry(2, {1, 5, 40}, 48, 70, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}), rng);
  check_all<T>(geometry(40, {1, 7, 40}, 5, 6, {1, 1, 3}, {1, 1, 2}, {0, 0, 1}), rng);  // more than a group of lines
  check_all<T>(geometry(3, {7, 4, 5}, 20, 12, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}), rng);
  check_all<T>(geometry(2, {3, 9, 9}, 12, 20, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}), rng);
  check_all<T>(geometry(2, {1, 16, 17}, 45, 62, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}), rng);  // by whole vectors
  check_all<T>(geometry(3, {1, 1, 30}, 147, 21, {1, 1, 6}, {1, 1, 1}, {0, 0, 2}), rng);
}

TEST_CASE_TEMPLATE("weights' gradients of long sums, and of wide groups, agree with their definition", T, float,
                   double) {
  Rng rng{31};
  for (int i = 0; i < reference::cases(60); ++i) {
    CAPTURE(i);
    check_all<T>(drawn_geometry_of_wide_groups(rng), rng);
  }
  check_all<T>(geometry(5, {7, 13, 11}, 12, 18, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}), rng);  // in several parts
  check_all<T>(geometry(3, {9, 11, 17}, 9, 3, {2, 1, 1}, {2, 1, 1}, {0, 0, 0}), rng);
  check_all<T>(geometry(2, {1, 3, 700}, 17, 9, {1, 1, 3}, {1, 1, 2}, {0, 0, 1}), rng);
}

TEST_CASE_TEMPLATE("depthwise and narrowly grouped convolutions agree with their definition", T, float, double) {
  Rng rng{23};
  for (int i = 0; i < reference::cases(300); ++i) {
    CAPTURE(i);
    check_all<T>(drawn_grouped_geometry(rng), rng);
  }
  ConvGeometry taps_in_time = geometry(2, {5, 4, 7}, 40, 40, {3, 1, 1}, {1, 1, 1}, {1, 0, 0});
  ConvGeometry long_lines = geometry(1, {1, 1, 300}, 36, 36, {1, 1, 31}, {1, 1, 1}, {0, 0, 15});
  ConvGeometry larger_than_caches = geometry(1, {1, 47, 41}, 308, 308, {1, 3, 3}, {1, 1, 1}, {0, 1, 1});
  larger_than_caches.groups = 308;
  check_all<T>(larger_than_caches, rng);
  for (ConvGeometry* g : {&taps_in_time, &long_lines}) {
    for (const Index groups : {g->in_channels, g->in_channels / 4}) {
      g->groups = groups;
      check_all<T>(*g, rng);
    }
  }
}

TEST_CASE_TEMPLATE("kernels that cover their images, or one pixel, agree with their definition", T, float, double) {
  Rng rng{19};
  for (int i = 0; i < reference::cases(40); ++i) {
    CAPTURE(i);
    const ConvGeometry::Axes extent{between(rng, 1, 3), between(rng, 1, 5), between(rng, 1, 5)};
    const bool pixels = rng.below(2) == 0;
    const ConvGeometry g =
        geometry(between(rng, 0, 20), extent, between(rng, 1, 70), between(rng, 1, 70),
                 pixels ? ConvGeometry::Axes{1, 1, 1} : extent, {1, 1, pixels ? 1 : between(rng, 1, 2)}, {0, 0, 0});
    REQUIRE(cpu::MatmulConv::fits(g));
    check_all<T>(g, rng);
  }
}

TEST_CASE("factors rounded to bfloat16 give what is so rounded exactly") {
  Rng rng{17};
  cpu::arithmetic().bfloat16 = true;
  for (int i = 0; i < reference::cases(100); ++i) {
    CAPTURE(i);
    ConvGeometry g = drawn_geometry(rng);
    g.in_channels = g.groups * pick(rng, {16, 18, 24, 32, 34, 50});
    g.out_channels = g.groups * pick(rng, {16, 22, 30, 32, 46});
    check_all<float>(g, rng, true);
    check_all<float>(drawn_narrow_geometry(rng), rng, true);
    check_all<float>(drawn_geometry_of_lines(rng), rng, true);
  }
  check_all<float>(geometry(2, {3, 22, 26}, 3, 32, {3, 4, 4}, {1, 2, 2}, {1, 1, 1}), rng, true);
  check_all<float>(geometry(1, {1, 19, 40}, 1, 32, {1, 4, 4}, {1, 2, 2}, {0, 1, 1}), rng, true);
  check_all<float>(geometry(2, {1, 4, 5}, 1026, 36, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}), rng, true);
  cpu::arithmetic().bfloat16 = false;
  for (const ConvGeometry& g : {geometry(2, {1, 5, 7}, 16, 32, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}),
                                geometry(1, {1, 8, 32}, 3, 32, {1, 4, 4}, {1, 2, 2}, {0, 1, 1})}) {
    const auto x = drawn<float>(g.inputs() * g.in_channels, rng), w = drawn<float>(g.taps() * g.in_channels * 32, rng);
    const auto by = [&](bool bfloat16) {
      cpu::arithmetic().bfloat16 = bfloat16;
      auto y = poisoned<float>(g.outputs() * 32);
      cpu::conv(g, x.data(), w.data(), static_cast<const float*>(nullptr), y.data());
      cpu::arithmetic().bfloat16 = false;
      return y;
    };
    CHECK((by(true) != by(false)) == cpu::multiplies_pairs);
  }
}

TEST_CASE_TEMPLATE("taps that no pixel meets leave the bias alone", T, float, double) {
  ConvGeometry g;  // a stride longer than the kernel: two of three pixels are not looked at
  g.input = {1, 1, 9}, g.output = {1, 1, 3}, g.kernel = {1, 1, 1}, g.stride = {1, 1, 3};
  g.in_channels = 5, g.out_channels = 4;
  Rng rng{3};
  const auto y = drawn<T>(12, rng), w = drawn<T>(20, rng), bias = drawn<T>(5, rng);
  auto x = poisoned<T>(45);
  cpu::conv_transpose(g, y.data(), w.data(), bias.data(), x.data());
  for (std::size_t i = 5; i < 15; ++i) CHECK(x[i] == bias[i % 5]);
}

TEST_CASE_TEMPLATE("the number of threads does not change a bit", T, float, double) {
  Rng rng{5};
  for (int i = 0; i < reference::cases(93); ++i) {
    cpu::arithmetic().bfloat16 = i >= 40 && i < 43;
    const ConvGeometry g = i == 2    ? geometry(5, {7, 13, 11}, 12, 18, {3, 1, 1}, {1, 1, 1}, {1, 0, 0})
                           : i >= 83 ? drawn_geometry_of_wide_groups(rng)
                           : i == 40 || i == 41
                               ? geometry(i == 40 ? 3 : 40, {1, 9, 11}, 32, 64, {1, 3, 3}, {1, 1, 1}, {0, 1, 1})
                           : i == 1 || i == 42 ? geometry(5, {3, 22, 26}, 3, 32, {3, 4, 4}, {1, 2, 2}, {1, 1, 1})
                           : i == 0            ? geometry(4, {2, 8, 8}, 16, 3, {3, 3, 3}, {1, 2, 2}, {1, 1, 1})
                           : i >= 63           ? drawn_geometry_of_lines(rng)
                           : i >= 43           ? drawn_grouped_geometry(rng)
                                               : drawn_geometry(rng);
    CAPTURE(i);
    const auto x = drawn<T>(g.inputs() * g.in_channels, rng), y = drawn<T>(g.outputs() * g.out_channels, rng);
    const auto w = drawn<T>(g.taps() * g.in_channels / g.groups * g.out_channels, rng);
    const auto all = [&](int threads) {
      flipbook::set_threads(threads);
      auto forward = poisoned<T>(g.outputs() * g.out_channels), back = poisoned<T>(g.inputs() * g.in_channels);
      auto weight = poisoned<T>(static_cast<Index>(w.size()));
      cpu::conv(g, x.data(), w.data(), static_cast<const T*>(nullptr), forward.data());
      cpu::conv_transpose(g, y.data(), w.data(), static_cast<const T*>(nullptr), back.data());
      cpu::conv_weight(g, x.data(), y.data(), weight.data());
      return std::array{forward, back, weight};
    };
    const int before = flipbook::threads();
    const auto one = all(1), two = all(2), three = all(3);
    flipbook::set_threads(before);
    CHECK(one == two);
    CHECK(one == three);
  }
  cpu::arithmetic().bfloat16 = false;
}

TEST_CASE("a convolution called again asks nothing of the system") {
  Rng rng{9};
  const ConvGeometry g = geometry(2, {2, 8, 8}, 16, 24, {3, 3, 3}, {1, 2, 2}, {1, 1, 1});
  const auto x = drawn<float>(g.inputs() * g.in_channels, rng), y = drawn<float>(g.outputs() * g.out_channels, rng);
  const auto w = drawn<float>(g.taps() * g.in_channels * g.out_channels, rng);
  const auto step = [&] {
    static std::vector<float> to(x.size() + y.size() + w.size());
    cpu::conv(g, x.data(), w.data(), static_cast<const float*>(nullptr), to.data());
    cpu::conv_transpose(g, y.data(), w.data(), static_cast<const float*>(nullptr), to.data());
    cpu::conv_weight(g, x.data(), y.data(), to.data());
  };
  step();
  const auto& pool = flipbook::HostPool::instance();
  const auto before = pool.statistics();
  step();
#if !FLIPBOOK_SANITIZED
  CHECK(pool.statistics().system_allocations == before.system_allocations);
#endif
  CHECK(pool.statistics().in_use == before.in_use);
}
