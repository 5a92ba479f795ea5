// SPDX-License-Identifier: MIT
#include <flipbook/ops/shape/crop.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("a slice holds the places asked for, along every axis", T, float, double, std::uint8_t,
                   std::int32_t) {
  for (const Shape& shape : {Shape{7}, Shape{5, 3}, Shape{2, 5, 3}, Shape{1, 5, 17, 3}, Shape{2, 3, 5, 7, 1}}) {
    const auto x = numbered<T>(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const Index n = shape[axis];
      for (const auto& [first, last] : {std::pair<Index, Index>{0, n}, {0, 1}, {n - 1, n}, {n / 2, n}}) {
        Shape expected_shape = shape;
        expected_shape[axis] = last - first;
        const auto expected = tabulated<T>(expected_shape, [&, first = first](Indices i) {
          i[static_cast<std::size_t>(axis)] += first;
          return at(x, i);
        });
        CHECK(same(slice(x, axis, first, last), expected));
        CHECK(same(slice(x, axis - shape.rank(), first, last), expected));
      }
    }
  }
}

TEST_CASE("a slice that is contiguous shares memory, another does not") {
  const auto clip = numbered<float>({1, 5, 4, 3});
  CHECK(slice(clip, 1, 2, 4).data() == clip.data() + 24);
  const auto clips = numbered<float>({2, 5, 4, 3});
  CHECK(slice(clips, 0, 1, 2).data() == clips.data() + 60);
  CHECK(slice(clips, 1, 2, 4).unique());
}

TEST_CASE("an empty slice is empty") {
  CHECK(slice(numbered<float>({3, 4}), 1, 2, 2).shape() == Shape{3, 0});
  CHECK(slice(numbered<float>({3, 4}), 0, 3, 3).shape() == Shape{0, 4});
}

TEST_CASE_TEMPLATE("cropping a padded tensor gives it back, and the padding is the constant", T, float, double) {
  for (const Shape& shape : {Shape{1}, Shape{5, 3}, Shape{2, 5, 3}, Shape{2, 3, 7, 5}}) {
    const auto x = random<T>(shape);
    Shape before, after;
    for (int axis = 0; axis < shape.rank(); ++axis) before.push_back(axis % 3), after.push_back((axis + 1) % 2);
    const auto y = pad(x, before, after, -2);
    CHECK(same(crop(y, before, shape), x));
    const double padding = -2.0 * static_cast<double>(y.size() - x.size());
    CHECK(sum(y).item() == doctest::Approx(static_cast<double>(sum(x).item()) + padding).epsilon(1e-5));
  }
}

TEST_CASE("gradients of slices, crops and pads are exact to second order") {
  const auto x = random<double>({2, 5, 3});
  const auto square_slice = [](const auto& v) { return square(slice(v, 1, 1, 4)); };
  CHECK(gradient_error(square_slice, x) < 1e-8);
  CHECK(second_gradient_error(square_slice, x) < 1e-7);
  const auto square_pad = [](const auto& v) { return square(pad(v, {0, 1, 2}, {1, 0, 1}, 0.5)); };
  CHECK(gradient_error(square_pad, x) < 1e-8);
  CHECK(second_gradient_error(square_pad, x) < 1e-7);
  const auto corner = [](const auto& v) { return square(crop(v, {1, 2, 0}, {1, 2, 2})); };
  CHECK(gradient_error(corner, x) < 1e-8);
}

TEST_CASE("what does not fit is refused, and the text names it") {
  const auto x = numbered<float>({2, 5});
  CHECK(error_of([&] { slice(x, 1, 3, 6); }) == "slice: [3, 6) along axis 1 of (2, 5)");
  CHECK(error_of([&] { slice(x, 0, 2, 1); }) == "slice: [2, 1) along axis 0 of (2, 5)");
  CHECK(error_of([&] { slice(x, 2, 0, 1); }) == "Shape: axis 2 of a tensor of rank 2");
  CHECK(error_of([&] { crop(x, {1, 1}, {2, 2}); }) == "crop: a block of (2, 2) at (1, 1) is not inside (2, 5)");
  CHECK(error_of([&] { pad(x, {1}, {1}); }) ==
        "pad: by (1) before and (1) after for shape (2, 5); needs one number for each axis");
  CHECK(error_of([&] { pad(x, 0, -1, 1); }) == "pad: by -1 before and 1 after; neither may be negative");
}

TEST_CASE_TEMPLATE("a block is written where it is told, and nothing else is", T, float, std::uint8_t) {
  const auto x = numbered<T>({3, 4, 5});
  const Shape first{1, 2, 0}, block{2, 3, 4};
  Tensor<T> y = zeros<T>({4, 6, 7});
  write_block(y, first, x, block);
  const auto expected = tabulated<T>({4, 6, 7}, [&](const Indices& i) {
    const bool inside = i[0] >= 1 && i[0] < 3 && i[1] >= 2 && i[1] < 5 && i[2] < 4;
    return inside ? at(x, {i[0] - 1, i[1] - 2, i[2]}) : T(0);
  });
  CHECK(same(y, expected));
  write_block(y, {0, 0, 0}, x);
  CHECK(same(crop(y, {0, 0, 0}, x.shape()), x));
  CHECK_THROWS_WITH_AS(write_block(y, {2, 3, 4}, x),
                       "write_block: a block (3, 4, 5) of (3, 4, 5) at (2, 3, 4) is not inside (4, 6, 7)", Error);
  CHECK_THROWS_WITH_AS(write_block(y, {0, 0, 0}, x, {3, 4, 6}),
                       "write_block: a block (3, 4, 6) of (3, 4, 5) at (0, 0, 0) is not inside (4, 6, 7)", Error);
}
