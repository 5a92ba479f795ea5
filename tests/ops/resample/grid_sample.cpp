// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/grid_sample.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <flipbook/core/parallel.hpp>
#include <flipbook/ops/resample/placement.hpp>
#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

constexpr std::array modes{PaddingMode::zeros, PaddingMode::border, PaddingMode::reflection};

/// Where a position in pixels lies on a picture of n pixels, among zeros anywhere.
double on_picture(double position, Index n, PaddingMode mode, bool align_corners) {
  const double last = static_cast<double>(n - 1);
  const double first_mirror = align_corners ? 0 : -0.5, second_mirror = align_corners ? last : last + 0.5;
  if (mode == PaddingMode::zeros) return position;
  while (mode == PaddingMode::reflection && first_mirror < second_mirror) {
    if (position < first_mirror) position = 2 * first_mirror - position;
    else if (position > second_mirror) position = 2 * second_mirror - position;
    else break;
  }
  return std::clamp(position, 0.0, last);
}

double in_pixels(double g, Index n, bool align_corners) {
  const auto extent = static_cast<double>(n);
  return align_corners ? (g + 1) / 2 * (extent - 1) : ((g + 1) * extent - 1) / 2;
}

/// Hat functions around the pixels: f(grid value, extent) gives a position in pixels.
template <class T, class F>
Tensor<T> by_definition(const Tensor<T>& x, const Tensor<T>& grid, PaddingMode mode, bool align_corners, const F& f) {
  const Index height = x.extent(1), width = x.extent(2);
  return tabulated<T>({grid.extent(0), grid.extent(1), grid.extent(2), x.extent(3)}, [&](const Indices& i) {
    const auto position = [&](Index axis, Index n, Index own) {
      const double given = static_cast<double>(at(grid, Indices{i[0], i[1], i[2], axis}));
      return on_picture(f(given, n, own), n, mode, align_corners);
    };
    const double across = position(0, width, i[2]), down = position(1, height, i[1]);
    double total = 0;
    for (Index r = 0; r < height; ++r) {
      for (Index c = 0; c < width; ++c) {
        const double weight = std::max(0.0, 1 - std::abs(down - static_cast<double>(r))) *
                              std::max(0.0, 1 - std::abs(across - static_cast<double>(c)));
        total += weight * static_cast<double>(at(x, Indices{i[0], r, c, i[3]}));
      }
    }
    return total;
  });
}

/// What a position's rounding may cost beside that of the sum.
template <class T>
constexpr double allowed = std::is_same_v<T, float> ? 3e-5 : 1e-13;

struct Case {
  Shape x, grid;
  GridSampleOptions options;
};

/// Shapes drawn at random, with extents of 1, primes, and channels on both sides of vectors.
std::vector<Case> drawn_cases(int count) {
  Rng rng{11};
  const auto one_of = [&](const std::vector<Index>& from) {
    return from[static_cast<std::size_t>(rng.below(static_cast<Index>(from.size())))];
  };
  const std::vector<Index> extents{1, 2, 3, 5, 7, 11, 16, 17}, channels{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 19};
  std::vector<Case> cases;
  for (int i = 0; i < count; ++i) {
    const Index n = 1 + rng.below(3);
    cases.push_back({{n, one_of(extents), one_of(extents), one_of(channels)},
                     {n, one_of(extents), one_of(extents), 2},
                     {modes[static_cast<std::size_t>(i % 3)], i % 2 == 0}});
  }
  return cases;
}

/// A grid whose positions in pixels are at least a tenth from where the interpolation has a kink, and lie outside of
/// the picture too.
Tensor<double> between_pixels(const Shape& grid, const Shape& x, bool align_corners) {
  Rng rng{5};
  return tabulated<double>(grid, [&](const Indices& i) {
    const Index n = i[static_cast<std::size_t>(grid.rank() - 1)] == 0 ? x[-2] : x[-3];
    const double fraction = (rng.below(2) == 0 ? 0.15 : 0.65) + 0.02 * static_cast<double>(rng.below(10));
    const double position = static_cast<double>(rng.below(n + 6) - 3) + fraction;
    const auto extent = static_cast<double>(n);
    if (!align_corners) return (2 * position + 1) / extent - 1;
    return n > 1 ? 2 * position / (extent - 1) - 1 : position;
  });
}

/// The same displacement (x, y) of every pixel of each frame: positions (N, T, 2) of rows and columns to
/// (N, T, h, w, 2).
Tensor<double> everywhere(const Tensor<double>& positions, Index height, Index width) {
  return tabulated<double>({positions.extent(0), positions.extent(1), height, width, 2}, [&](const Indices& i) {
    return at(positions, Indices{i[0], i[1], 1 - i[4]});
  });
}

}  // namespace

TEST_CASE_TEMPLATE("samples are sums of hat functions, whatever lies around a picture", T, float, double) {
  for (const auto& [x_shape, grid_shape, options] : drawn_cases(60)) {
    CAPTURE(to_string(x_shape));
    CAPTURE(to_string(grid_shape));
    CAPTURE(static_cast<int>(options.padding_mode));
    CAPTURE(options.align_corners);
    const auto x = random<T>(x_shape), grid = random<T>(grid_shape, 2);
    const bool aligned = options.align_corners;
    CHECK(difference(grid_sample(x, grid, options),
                     by_definition(x, grid, options.padding_mode, aligned,
                                   [&](double g, Index n, Index) { return in_pixels(g, n, aligned); })) < allowed<T>);
    const auto flow = grid * T(3);
    CHECK(difference(warp(x, flow, options.padding_mode),
                     by_definition(x, flow, options.padding_mode, false, [&](double g, Index, Index own) {
                       return g + static_cast<double>(own);
                     })) < allowed<T>);
  }
}

TEST_CASE("a clip is sampled frame by frame") {
  const auto x = random<float>({2, 3, 5, 4, 3}), grid = random<float>({2, 3, 4, 7, 2}, 2);
  const auto y = grid_sample(x, grid);  // (2, 3, 4, 7, 3)
  const auto frames = grid_sample(reshape(x, {6, 5, 4, 3}), reshape(grid, {6, 4, 7, 2}));
  CHECK(same(y, reshape(frames, {2, 3, 4, 7, 3})));
}

TEST_CASE_TEMPLATE("the identity gives a picture's bits back", T, float, double) {
  for (const Index extent : {1, 2, 3, 5, 9, 17, 33}) {  // where positions in [−1, 1] are exact
    for (const PaddingMode mode : modes) {
      const auto x = random<T>({1, extent, 5, 3});
      const auto grid = affine_grid(Tensor<T>({1, 2, 3}, {1, 0, 0, 0, 1, 0}), {static_cast<int>(extent), 5}, true);
      CHECK(same(grid_sample(x, grid, {mode, true}), x));
    }
  }
  const auto x = random<T>({2, 3, 7, 13, 6});
  for (const PaddingMode mode : modes) CHECK(same(warp(x, zeros<T>({2, 3, 7, 13, 2}), mode), x));
}

TEST_CASE("a flow of (1, 0) brings the pixel on the right") {
  const Tensor<float> x({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6});
  Tensor<float> flow = zeros<float>({1, 2, 3, 2});
  for (Index i = 0; i < 6; ++i) flow.data()[2 * i] = 1;
  CHECK(to_vector(warp(x, flow)) == std::vector<float>{2, 3, 0, 5, 6, 0});
  CHECK(to_vector(warp(x, flow, PaddingMode::border)) == std::vector<float>{2, 3, 3, 5, 6, 6});
}

TEST_CASE("placing a picture and cutting a glimpse are warps by one displacement") {
  const auto pictures = random<double>({2, 3, 5, 3});
  const auto clips = random<double>({2, 4, 7, 6, 3});
  const auto positions = random<double>({2, 4, 2}) * 3.0;
  const auto repeated = broadcast_to(reshape(pictures, {2, 1, 3, 5, 3}), {2, 4, 3, 5, 3});
  CHECK(difference(warp(repeated, everywhere(-positions, 7, 6)), place(pictures, positions, {7, 6})) < 1e-13);
  CHECK(difference(warp(clips, everywhere(positions, 3, 5)), glimpse(clips, positions, {3, 5})) < 1e-13);
}

TEST_CASE("gradients in pixels and positions are exact to second order") {
  const Shape x_shape{2, 3, 4, 3}, grid_shape{2, 2, 5, 2};
  const auto x = random<double>(x_shape);
  for (const PaddingMode mode : modes) {
    for (const bool aligned : {false, true}) {
      CAPTURE(static_cast<int>(mode));
      CAPTURE(aligned);
      const auto grid = between_pixels(grid_shape, x_shape, aligned);
      const auto f = [&](const auto& v, const auto& g) { return square(grid_sample(v, g, {mode, aligned})); };
      CHECK(gradient_error(f, x, grid) < 1e-7);
      CHECK(second_gradient_error(f, x, grid) < 1e-6);
    }
  }
  for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{1, 1, 5, 9}, Shape{1, 2, 3, 1, 2}, Shape{1, 7, 1, 17}}) {
    for (const PaddingMode mode : modes) {
      CAPTURE(to_string(shape));
      const auto pictures = random<double>(shape);
      const auto grid = between_pixels(shape.with_tail(3, {3, 2, 2}), shape, false);
      CHECK(gradient_error([&](const auto& v, const auto& g) { return square(grid_sample(v, g, {mode})); }, pictures,
                           grid) < 1e-7);
    }
  }
}

TEST_CASE("gradients of warps and of affine grids are exact to second order") {
  const auto x = random<double>({1, 2, 4, 5, 2});
  const auto flow = affine(between_pixels({1, 2, 4, 5, 2}, {1, 1, 1, 1}, false), 0.5, 0);  // 2 / extent is undone
  const auto f = [](const auto& v, const auto& d) { return square(warp(v, d, PaddingMode::border)); };
  CHECK(gradient_error(f, x, flow) < 1e-7);
  CHECK(second_gradient_error(f, x, flow) < 1e-6);
  const auto pictures = random<double>({2, 5, 6, 2});
  const Tensor<double> theta({2, 2, 3}, {0.83, 0.21, 0.07, -0.13, 0.71, 0.11, 1.17, -0.3, 0.05, 0.2, 0.93, -0.17});
  const auto transformed = [](const auto& v, const auto& t) { return square(grid_sample(v, affine_grid(t, {4, 3}))); };
  CHECK(gradient_error(transformed, pictures, theta) < 1e-7);
  CHECK(second_gradient_error(transformed, pictures, theta) < 1e-6);
}

TEST_CASE_TEMPLATE("the gradient in x is the adjoint", T, float, double) {
  for (const auto& [x_shape, grid_shape, options] : drawn_cases(40)) {
    CAPTURE(to_string(x_shape));
    const auto x = random<T>(x_shape), grid = random<T>(grid_shape, 2);
    const auto y = random<T>(grid_shape.with_tail(1, {x_shape[-1]}), 3);
    Tape tape;
    const auto v = tape.variable(x);
    const auto product = sum(grid_sample(v, grid, options) * y);
    const double size = static_cast<double>(sum(square(y)).item()) + 1;
    CHECK(std::abs(static_cast<double>(sum(tape.gradient(product, v) * x).item() - product.item())) <
          10 * tolerance<T> * size);
  }
}

TEST_CASE("an affine grid has the centres of pixels, or their outer edges, at ±1") {
  const Tensor<double> theta({1, 2, 3}, {2, 0, 0.5, 0, 1, 0});
  const Tensor<double> edges({1, 2, 2, 2}, {-0.5, -0.5, 1.5, -0.5, -0.5, 0.5, 1.5, 0.5});
  CHECK(difference(affine_grid(theta, 2), edges) < 1e-15);
  const Tensor<double> centres({1, 2, 2, 2}, {-1.5, -1, 2.5, -1, -1.5, 1, 2.5, 1});
  CHECK(difference(affine_grid(theta, 2, true), centres) < 1e-15);
  const auto of_clips = affine_grid(broadcast_to(theta, {3, 2, 2, 3}), {4, 5});
  CHECK(of_clips.shape() == Shape{3, 2, 4, 5, 2});
}

TEST_CASE("any number of threads gives the same bits") {
  struct Restore {
    int before = threads();
    ~Restore() { set_threads(before); }
  } restore;
  for (const Shape& shape : {Shape{1, 67, 41, 1}, Shape{1, 31, 40, 3}, Shape{2, 37, 53, 21}, Shape{5, 9, 8, 16}}) {
    CAPTURE(to_string(shape));
    const auto x = random<float>(shape), grid = random<float>(shape.with_tail(3, {43, 59, 2}), 2);
    const auto results = [&](int count) {
      set_threads(count);
      Tape tape;
      const auto v = tape.variable(x), g = tape.variable(grid);
      const auto y = grid_sample(v, g, {PaddingMode::reflection});
      const auto loss = sum(square(y));
      return std::array{y.value(), tape.gradient(loss, v, {.retain_graph = true}), tape.gradient(loss, g)};
    };
    const auto alone = results(1);
    for (const int count : {2, 3, 7}) {
      const auto together = results(count);
      for (std::size_t i = 0; i < 3; ++i) CHECK(same(together[i], alone[i]));
    }
  }
}

TEST_CASE("what does not fit is refused, and the text says why") {
  const Tensor<float> x({2, 4, 5, 3}), clip({2, 3, 4, 5, 3});
  const std::string needs = "; needs (N, H, W, C) and (N, h, w, 2), or (N, T, H, W, C) and (N, T, h, w, 2)";
  CHECK(error_of([&] {
          grid_sample(x, Tensor<float>({2, 4, 5, 3}));
        }) == "grid_sample: x of shape (2, 4, 5, 3) and a grid (2, 4, 5, 3)" + needs);
  CHECK(error_of([&] {
          grid_sample(clip, Tensor<float>({2, 2, 4, 5, 2}));
        }) == "grid_sample: x of shape (2, 3, 4, 5, 3) and a grid (2, 2, 4, 5, 2)" + needs);
  CHECK(error_of([&] {
          warp(x, Tensor<float>({1, 4, 5, 2}));
        }) == "warp: x of shape (2, 4, 5, 3) and displacements (1, 4, 5, 2)" + needs);
  CHECK(error_of([&] {
          warp(Tensor<float>({2, 0, 5, 3}), Tensor<float>({2, 4, 5, 2}));
        }) == "warp: frames of 0×5; needs 1 to 2^24 pixels along each axis, and fewer than 2^31");
  CHECK(error_of([&] {
          affine_grid(Tensor<float>({2, 3, 3}), {4, 5});
        }) == "affine_grid: transformations of shape (2, 3, 3) to 4×5; needs (…, 2, 3) and positive extents");
  CHECK(grid_sample(Tensor<float>({2, 4, 5, 3}), Tensor<float>({2, 0, 5, 2})).shape() == Shape{2, 0, 5, 3});
}
