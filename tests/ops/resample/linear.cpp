// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/linear.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("resizing weighs the neighbours by their distance, and clamps at the border", T, float, double) {
  struct Case {
    Shape x;
    Extent size;
  };
  for (const auto& [shape, size] : std::vector<Case>{{{2, 5, 3}, 11},
                                                     {{1, 4, 3, 17}, {8, 9}},
                                                     {{2, 3, 5, 4, 1}, {6, 2, 7}},
                                                     {{1, 1, 2, 3}, {5, 5}},
                                                     {{1, 7, 2}, 1}}) {
    const auto x = random<T>(shape);
    Shape resized = shape;
    for (int axis = 1; axis < shape.rank() - 1; ++axis) resized[axis] = size[axis + 4 - shape.rank()];
    // Hat functions around the places of x, which lie at half-integers.
    const auto expected = tabulated<T>(resized, [&, &shape = shape](const Indices& i) {
      double total = 0;
      each_index(shape, [&](const Indices& j) {
        double weight = i[0] == j[0] &&
                        i[static_cast<std::size_t>(shape.rank() - 1)] == j[static_cast<std::size_t>(shape.rank() - 1)];
        for (int axis = 1; axis < shape.rank() - 1; ++axis) {
          const auto n = static_cast<double>(shape[axis]), m = static_cast<double>(resized[axis]);
          const auto a = static_cast<std::size_t>(axis);
          const double place = std::clamp((static_cast<double>(i[a]) + 0.5) * n / m - 0.5, 0.0, n - 1);
          weight *= std::max(0.0, 1 - std::abs(place - static_cast<double>(j[a])));
        }
        total += weight * static_cast<double>(at(x, j));
      });
      return total;
    });
    CHECK(difference(resize_linear(x, size), expected) < tolerance<T>);
  }
}

TEST_CASE("values are PyTorch's with align_corners = false") {
  const Tensor<double> x({1, 2, 2, 1}, {0, 1, 2, 4});
  // torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
  const Tensor<double> y({1, 4, 4, 1},
                         {0, 0.25, 0.75, 1, 0.5, 0.8125, 1.4375, 1.75, 1.5, 1.9375, 2.8125, 3.25, 2, 2.5, 3.5, 4});
  CHECK(difference(upsample_linear(x, 2), y) < 1e-15);
}

TEST_CASE("a constant stays constant, and the same size changes nothing") {
  CHECK(difference(upsample_linear(full<float>({1, 3, 5, 2}, 7.f), 3), full<float>({1, 9, 15, 2}, 7.f)) < 1e-6);
  const auto x = random<float>({2, 3, 4, 5, 2});
  CHECK(same(resize_linear(x, {3, 4, 5}), x));
}

TEST_CASE("gradients of resizing are exact to second order") {
  const auto x = random<double>({2, 2, 3, 4, 2});
  const auto f = [](const auto& v) { return square(resize_linear(v, {3, 2, 7})); };
  CHECK(gradient_error(f, x) < 1e-8);
  CHECK(second_gradient_error(f, x) < 1e-7);
}

TEST_CASE("what cannot be resized is refused") {
  CHECK(error_of([] {
          resize_linear(Tensor<float>({1, 2, 2, 1}), {0, 3});
        }) == "resize_linear: (1, 2, 2, 1) to 0×3; needs positive extents");
  CHECK(error_of([] {
          upsample_linear(Tensor<float>({2, 2}), 2);
        }) == "upsample_linear: needs (N, W, C), (N, H, W, C) or (N, T, H, W, C), got shape (2, 2)");
}
