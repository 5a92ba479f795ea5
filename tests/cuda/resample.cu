// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/grid_sample.hpp>
#include <flipbook/ops/resample/linear.hpp>
#include <flipbook/ops/resample/patches.hpp>
#include <flipbook/ops/resample/pool.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

struct Case {
  Shape shape;
  Extent size;
};
const std::vector<Case> cases{{{1, 1, 1}, {1}},       {{2, 7, 3}, {1, 1, 5}},  {{0, 4, 4, 3}, {2, 3}},
                              {{2, 5, 3, 8}, {2, 3}}, {{3, 4, 6, 67}, {3, 2}}, {{2, 3, 2, 5, 4}, {2, 1, 3}}};

Shape scaled(Shape shape, const Extent& size) {
  for (int axis = 0; axis < shape.rank() - 2; ++axis) shape[axis + 1] *= size[axis + 5 - shape.rank()];
  return shape;
}

}  // namespace

TEST_CASE_TEMPLATE("repeated and summed blocks are the CPU's", T, float, double, bfloat16, flipbook::half) {
  for (const auto& [shape, size] : cases) {
    CAPTURE(to_string(shape));
    const auto large = random<double>(scaled(shape, size));
    const auto repeat = [size = size](const auto& x) { return upsample_nearest(x, size); };
    const auto average = [size = size](const auto& x) { return avg_pool(x, size); };
    CHECK(disagreement<T>(repeat, random<double>(shape)) == 0);
    CHECK(disagreement<T>(average, large) < device_tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("the largest of blocks are the CPU's, and so is where they go back to", T, float, double, bfloat16) {
  for (const auto& [shape, size] : cases) {
    CAPTURE(to_string(shape));
    const auto large = affine(random<double>(scaled(shape, size)), 0.1, 1);  // many alike once they are rounded
    const auto index_of = [shape = shape, size = size]<class U, class B>(const Tensor<U, B>& x) {
      Tensor<std::int64_t, B> index(shape);
      kernel::largest_of_blocks(B{}, flipbook::detail::blocks_of("", x.shape(), size), x, index);
      return index;
    };
    CHECK(disagreement<T>(index_of, large) == 0);
    CHECK(disagreement<T>([size = size](const auto& x) { return max_pool(x, size); }, large) == 0);
    const auto put = [&]<class B>(const auto& dy, const Tensor<std::int64_t, B>& index) {
      return PutPlaces<B>{index, large.shape()}(dy);
    };
    CHECK(disagreement<T>(put, random<double>(shape, 2), index_of(large)) == 0);
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto y = to<Cpu>(max_pool(to<Cuda>(Tensor<double>({1, 4, 1}, {1, nan, 3, 2})), Extent(2)));
  CHECK(std::isnan(y.data()[0]));
  CHECK(y.data()[1] == 3);
}

TEST_CASE_TEMPLATE("an axis resized, and the adjoint of it, are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{3, 7, 5}, Shape{2, 4, 8}, Shape{2, 64, 67}}) {
    for (const Index extent : {Index{1}, Index{2}, Index{3}, shape[1], 2 * shape[1], Index{31}, 3 * shape[1] + 1}) {
      CAPTURE(to_string(shape));
      CAPTURE(extent);
      Shape resized = shape;
      resized[1] = extent;
      CHECK(disagreement<T>(Interpolate{1, extent}, random<double>(shape)) < device_tolerance<T>);
      CHECK(disagreement<T>(InterpolateAdjoint{1, shape[1]}, random<double>(resized, 2)) < device_tolerance<T>);
    }
  }
}

TEST_CASE_TEMPLATE("samples of pictures and their gradients are the CPU's", T, float, double, bfloat16,
                   flipbook::half) {
  struct Sampled {
    Shape x, grid;
  };
  const std::vector<Sampled> sampled{{{1, 1, 1, 1}, {1, 3, 2, 2}},         {{2, 5, 7, 3}, {2, 1, 1, 2}},
                                     {{0, 4, 4, 3}, {0, 2, 3, 2}},         {{1, 4, 5, 2}, {1, 0, 3, 2}},
                                     {{3, 17, 33, 8}, {3, 19, 16, 2}},     {{1, 40, 18, 67}, {1, 7, 11, 2}},
                                     {{2, 2, 6, 5, 16}, {2, 2, 23, 29, 2}}};
  for (const auto& [x_shape, grid_shape] : sampled) {
    for (const PaddingMode mode : {PaddingMode::zeros, PaddingMode::border, PaddingMode::reflection}) {
      for (const bool aligned : {false, true}) {
        CAPTURE(to_string(x_shape));
        CAPTURE(static_cast<int>(mode));
        CAPTURE(aligned);
        const auto x = random<double>(x_shape), grid = affine(random<double>(grid_shape, 2), 0.8, 0);
        const auto f = [mode = mode, aligned = aligned](const auto& v, const auto& g) {
          return grid_sample(v, g, {mode, aligned});
        };
        const auto moved = [mode = mode](const auto& v, const auto& d) { return warp(v, d, mode); };
        CHECK(disagreement<T>(f, x, grid) < 4 * device_tolerance<T>);
        CHECK(disagreement<T>(moved, x, grid) < 4 * device_tolerance<T>);
        CHECK(gradient_disagreement<T>(f, x, grid) < 8 * device_tolerance<T>);
      }
    }
  }
  const auto grid_of = [](const auto& theta) { return affine_grid(theta, {5, 3}); };
  CHECK(disagreement<T>(grid_of, random<double>({3, 2, 3})) < device_tolerance<T>);
}

TEST_CASE("the second gradient of a sample is the CPU's") {
  const auto second = [](const auto& x, const auto& grid) {
    Tape tape{Rng{7}};
    const auto v = tape.template variable<Order::higher>(x), g = tape.template variable<Order::higher>(grid);
    const auto first = tape.recorded_gradient(sum(square(grid_sample(v, g, {PaddingMode::border}))), g);
    const auto loss = sum(square(first));
    return std::tuple{tape.gradient(loss, v, {.retain_graph = true}), tape.gradient(loss, g)};
  };
  CHECK(disagreement<double>(second, random<double>({2, 9, 7, 5}), random<double>({2, 6, 11, 2}, 2)) < 1e-12);
}

TEST_CASE_TEMPLATE("positions that are no places read nothing but the picture", T, float, double, bfloat16) {
  const double infinite = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor<double> grid({1, 1, 6, 2}, {nan, 0, 0, nan, infinite, 0, 0, -infinite, 1e30, -1e30, -4e9, 1e19});
  for (const PaddingMode mode : {PaddingMode::zeros, PaddingMode::border, PaddingMode::reflection}) {
    for (const Index channels : {3, 8}) {
      const auto x = to<Cuda>(full<T>({1, 4, 5, channels}, T(1)));
      const auto g = to<Cuda>(converted<T>(grid));
      Tape tape;
      const auto v = tape.variable(x);
      const auto y = grid_sample(v, g, {mode});
      const auto values = to<Cpu>(y.value());
      for (Index i = 0; i < 6; ++i) {
        const bool lost = i < 2 || (mode == PaddingMode::reflection && i < 4);
        const double value = static_cast<double>(values.data()[i * channels]);
        if (lost) CHECK(std::isnan(value));
        else CHECK(value == (mode == PaddingMode::zeros ? 0 : 1));
      }
      CHECK(to<Cpu>(tape.gradient(sum(y), v)).shape() == x.shape());
    }
  }
}
