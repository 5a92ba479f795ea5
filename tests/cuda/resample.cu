// SPDX-License-Identifier: MIT
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
