// SPDX-License-Identifier: MIT
#include <flipbook/ops/resample/patches.hpp>

#include <doctest/doctest.h>

#include <flipbook/testing/gradients.hpp>

#include "../tensors.hpp"

using namespace flipbook;
using namespace flipbook::test;

TEST_CASE_TEMPLATE("a patch holds its pixels in order, channels innermost", T, float, double, std::uint8_t) {
  const auto x = numbered<T>({2, 4, 2, 9, 3});
  const auto y = patchify(x, {2, 1, 3});
  CHECK(same(y, tabulated<T>({2, 2, 2, 3, 18}, [&](const Indices& i) {
               const Index t = i[4] / 9, w = i[4] / 3 % 3, c = i[4] % 3;
               return at(x, {i[0], 2 * i[1] + t, i[2], 3 * i[3] + w, c});
             })));
  CHECK(same(unpatchify(y, {2, 1, 3}), x));
}

TEST_CASE_TEMPLATE("a pixel shuffle takes places from channels in PyTorch's order", T, float, double, std::uint8_t) {
  const auto x = numbered<T>({2, 3, 5, 12});
  const auto y = pixel_shuffle(x, {2, 3});
  CHECK(same(y, tabulated<T>({2, 6, 15, 2}, [&](const Indices& i) {
               return at(x, {i[0], i[1] / 2, i[2] / 3, i[3] * 6 + i[1] % 2 * 3 + i[2] % 3});
             })));
  CHECK(same(pixel_unshuffle(y, {2, 3}), x));
  const auto clip = numbered<T>({1, 2, 3, 1, 8});
  CHECK(pixel_shuffle(clip, 2).shape() == Shape{1, 4, 6, 2, 1});
  CHECK(same(pixel_unshuffle(pixel_shuffle(clip, 2), 2), clip));
  CHECK(pixel_shuffle(numbered<T>({1, 3, 4}), 4).shape() == Shape{1, 12, 1});
}

TEST_CASE("gradients of patches and shuffles are exact to second order") {
  const auto x = random<double>({1, 2, 4, 8});
  const auto exact = [&](const auto& f) {
    CHECK(gradient_error(f, x) < 1e-8);
    CHECK(second_gradient_error(f, x) < 1e-7);
  };
  exact([](const auto& v) { return square(patchify(v, {1, 2})); });
  exact([](const auto& v) { return square(unpatchify(v, {2, 2})); });
  exact([](const auto& v) { return square(pixel_shuffle(v, {2, 2})); });
  exact([](const auto& v) { return square(pixel_unshuffle(v, 2)); });
}

TEST_CASE("what does not divide is refused") {
  const auto x = numbered<float>({1, 4, 5, 6});
  CHECK(error_of([&] { patchify(x, 2); }) == "patchify: blocks of 2×2 do not divide (1, 4, 5, 6)");
  CHECK(error_of([&] { unpatchify(x, 2); }) == "unpatchify: blocks of 2×2 do not divide the channels of (1, 4, 5, 6)");
  CHECK(error_of([&] { pixel_shuffle(x, 2); }) ==
        "pixel_shuffle: blocks of 2×2 do not divide the channels of (1, 4, 5, 6)");
  CHECK(error_of([&] { pixel_unshuffle(x, {4, 2}); }) == "pixel_unshuffle: blocks of 4×2 do not divide (1, 4, 5, 6)");
}
