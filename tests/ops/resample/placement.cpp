// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/placement.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

namespace {

/// Around p linear interpolation gives pixel j of what lies at p the weight that hat functions have.
double weight(double place, Index i, Index j) {
  return std::max(0.0, 1 - std::abs(static_cast<double>(i - j) - place));
}
double row(const auto& positions, Index n, Index t) { return static_cast<double>(at(positions, Indices{n, t, 0})); }
double column(const auto& positions, Index n, Index t) { return static_cast<double>(at(positions, Indices{n, t, 1})); }

/// (N, T, 2), some of them on pixels, between them, and off the canvas.
template <class T>
Tensor<T> positions(Index n, Index t) {
  auto p = random<T>({n, t, 2}) * T(4) + T(2);
  p.data()[0] = T(3), p.data()[1] = T(0);
  return p;
}

}  // namespace

TEST_CASE_TEMPLATE("a picture is placed by linear interpolation, and cut off at the border", T, float, double) {
  const Index h = 3, w = 5, height = 7, width = 6;
  for (const Index c : {1, 3}) {
    const auto pictures = random<T>({2, h, w, c});
    const auto p = positions<T>(2, 3);
    const auto expected = tabulated<T>({2, 3, height, width, c}, [&](const Indices& i) {
      double total = 0;
      for (Index y = 0; y < h; ++y) {
        for (Index x = 0; x < w; ++x) {
          total += weight(row(p, i[0], i[1]), i[2], y) * weight(column(p, i[0], i[1]), i[3], x) *
                   static_cast<double>(at(pictures, Indices{i[0], y, x, i[4]}));
        }
      }
      return total;
    });
    CHECK(difference(place(pictures, p, {height, width}), expected) < tolerance<T>);
  }
}

TEST_CASE_TEMPLATE("a glimpse is the adjoint of placing", T, float, double) {
  const Index h = 3, w = 5, height = 7, width = 6;
  for (const Index c : {1, 2}) {
    const auto clips = random<T>({2, 3, height, width, c});
    const auto p = positions<T>(2, 3);
    const auto expected = tabulated<T>({2, 3, h, w, c}, [&](const Indices& i) {
      double total = 0;
      for (Index y = 0; y < height; ++y) {
        for (Index x = 0; x < width; ++x) {
          total += weight(row(p, i[0], i[1]), y, i[2]) * weight(column(p, i[0], i[1]), x, i[3]) *
                   static_cast<double>(at(clips, Indices{i[0], i[1], y, x, i[4]}));
        }
      }
      return total;
    });
    CHECK(difference(glimpse(clips, p, {h, w}), expected) < tolerance<T>);
  }
}

TEST_CASE("whole positions move pixels unchanged, there and back") {
  const auto pictures = random<float>({1, 2, 3, 2});
  const Tensor<float> p({1, 2, 2}, {1, 2, 3, 0});
  const auto clip = place(pictures, p, {5, 5});  // (1, 2, 5, 5, 2)
  CHECK(at(clip, Indices{0, 0, 2, 4, 1}) == at(pictures, Indices{0, 1, 2, 1}));
  CHECK(at(clip, Indices{0, 1, 3, 0, 0}) == at(pictures, Indices{0, 0, 0, 0}));
  CHECK(at(clip, Indices{0, 0, 0, 0, 0}) == 0);
  const auto seen = glimpse(clip, p, {2, 3});  // (1, 2, 2, 3, 2)
  CHECK(same(slice(seen, 1, 0, 1), reshape(pictures, {1, 1, 2, 3, 2})));
  CHECK(same(slice(seen, 1, 1, 2), reshape(pictures, {1, 1, 2, 3, 2})));
}

TEST_CASE("gradients reach pixels and positions") {
  const auto pictures = random<double>({2, 3, 2, 2});
  const auto clips = random<double>({2, 2, 4, 5, 2});
  const Tensor<double> p({2, 2, 2}, {0.3, 1.4, -0.6, 2.7, 1.2, 0.1, 2.35, 1.8});
  CHECK(gradient_error(
            [&](const auto& x, const auto& at) {
              return square(place(x, at, {4, 5}));
            },
            pictures, p) < 1e-7);
  CHECK(gradient_error([&](const auto& x, const auto& at) { return square(glimpse(x, at, {3, 2})); }, clips, p) < 1e-7);
}

TEST_CASE("shapes that do not fit are refused") {
  CHECK(error_of([] {
          place(Tensor<float>({2, 3, 3, 1}), Tensor<float>({1, 4, 2}), {5, 5});
        }) == "place: pictures of shape (2, 3, 3, 1) and positions (1, 4, 2); needs (N, h, w, C) and (N, T, 2)");
  CHECK(error_of([] {
          glimpse(Tensor<float>({1, 3, 5, 5, 1}), Tensor<float>({1, 4, 2}), {2, 2});
        }) == "glimpse: clips of shape (1, 3, 5, 5, 1) and positions (1, 4, 2); needs (N, T, H, W, C) and (N, T, 2)");
}
