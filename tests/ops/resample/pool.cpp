// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/pool.hpp>

#include <doctest/doctest.h>

#include <limits>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

struct Case {
  Shape x;
  Extent size;
};
const std::vector<Case> cases{
    {{2, 6, 3}, 3}, {{2, 4, 6, 1}, {2, 3}}, {{1, 2, 2, 17}, 2}, {{2, 4, 2, 6, 5}, {2, 1, 3}}, {{3, 1, 5, 7, 2}, 1}};

// The block that a place of the large tensor is in.
Indices block_of(const Shape& x, Indices i, const Extent& size) {
  for (int axis = 1; axis < x.rank() - 1; ++axis) i[static_cast<std::size_t>(axis)] /= size[axis + 4 - x.rank()];
  return i;
}
Shape blocks_of(Shape x, const Extent& size) {
  for (int axis = 1; axis < x.rank() - 1; ++axis) x[axis] /= size[axis + 4 - x.rank()];
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("a pool gives the mean and the largest of each block", T, float, double) {
  for (const auto& [shape, size] : cases) {
    CAPTURE(to_string(shape));
    const auto x = random<T>(shape);
    const Shape pooled = blocks_of(shape, size);
    auto total = zeros<double>(pooled);
    auto largest = full<T>(pooled, -std::numeric_limits<T>::infinity());
    each_index(shape, [&, &size = size](const Indices& i) {
      const Indices block = block_of(x.shape(), i, size);
      at(total, block) += static_cast<double>(at(x, i));
      at(largest, block) = std::max(at(largest, block), at(x, i));
    });
    CHECK(difference(avg_pool(x, size), cast<T>(total * static_cast<double>(pooled.size()) /
                                                static_cast<double>(x.size()))) < tolerance<T>);
    CHECK(same(max_pool(x, size), largest));
  }
}

TEST_CASE_TEMPLATE("upsampling repeats each place over its block", T, float, double) {
  for (const auto& [large, size] : cases) {
    const auto x = random<T>(blocks_of(large, size));
    CHECK(same(upsample_nearest(x, size), tabulated<T>(large, [&, &large = large, &size = size](const Indices& i) {
                 return at(x, block_of(large, i, size));
               })));
  }
}

TEST_CASE("a NaN is the largest of its block, and of equals the first gets the gradient") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(max_pool(Tensor<float>({1, 2, 1}, {nan, 1}), 2).item()));
  CHECK(std::isnan(max_pool(Tensor<float>({1, 2, 1}, {1, nan}), 2).item()));
  Tape tape;
  const auto x = tape.variable(Tensor<float>({1, 4, 1}, {1, 1, 0, 2}));
  CHECK(to_vector(tape.gradient(sum(max_pool(x, 2)), x)) == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("gradients of pools and of upsampling are exact to second order") {
  const auto x = random<double>({2, 2, 4, 2, 3});
  const auto exact = [&](const auto& f) {
    CHECK(gradient_error(f, x) < 1e-8);
    CHECK(second_gradient_error(f, x) < 1e-7);
  };
  exact([](const auto& v) { return square(avg_pool(v, {1, 2, 2})); });
  exact([](const auto& v) { return square(max_pool(v, 2)); });
  exact([](const auto& v) { return square(upsample_nearest(v, {2, 1, 2})); });
}

TEST_CASE("what does not fit is refused, and the text says why") {
  const auto x = random<float>({1, 4, 5, 2});
  CHECK(error_of([&] { avg_pool(x, 2); }) == "avg_pool: blocks of 2×2 do not divide (1, 4, 5, 2)");
  CHECK(error_of([&] { max_pool(x, {2, 3}); }) == "max_pool: blocks of 2×3 do not divide (1, 4, 5, 2)");
  CHECK(error_of([&] { upsample_nearest(x, 0); }) == "upsample_nearest: by 0×0; needs positive numbers");
  CHECK(error_of([&] {
          max_pool(x.reshape({4, 10}), 2);
        }) == "max_pool: needs (N, W, C), (N, H, W, C) or (N, T, H, W, C), got shape (4, 10)");
}
