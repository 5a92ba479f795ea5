// SPDX-License-Identifier: MIT
#include <flipbook/io/grid.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace flipbook;

namespace {
template <class T>
Tensor<T> counted(const Shape& shape) {
  Tensor<T> x(shape);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<T>(i + 1);
  return x;
}
}  // namespace

TEST_CASE_TEMPLATE("clips stand row by row, with gaps between them and empty places at the end", T, float, double,
                   std::uint8_t) {
  const auto clips = counted<T>({3, 1, 1, 2, 1});
  const auto joined = make_grid(clips, 2, 1, T(0));
  CHECK(joined.shape() == Shape{1, 3, 5, 1});
  CHECK(to_vector(joined) == std::vector<T>{1, 2, 0, 3, 4,  //
                                            0, 0, 0, 0, 0,  //
                                            5, 6, 0, 0, 0});
}

TEST_CASE("every pixel of every clip lands at its place") {
  const auto clips = counted<float>({5, 3, 2, 7, 3});
  const Index columns = 3, gap = 2;
  const auto joined = make_grid(clips, columns, gap);
  CHECK(joined.shape() == Shape{3, 6, 25, 3});
  const float* at = clips.data();
  for (Index n = 0; n < 5; ++n)
    for (Index t = 0; t < 3; ++t)
      for (Index y = 0; y < 2; ++y)
        for (Index x = 0; x < 7; ++x)
          for (Index c = 0; c < 3; ++c, ++at)
            REQUIRE(joined.data()[((t * 6 + n / 3 * 4 + y) * 25 + n % 3 * 9 + x) * 3 + c] == *at);
  CHECK(joined.data()[7 * 3] == 1.0F);  // a gap is white
}

TEST_CASE("a film strip has a row for each clip and a column for each frame") {
  const auto clips = counted<std::uint8_t>({2, 3, 1, 1, 1});
  const auto strip = film_strip(clips, 0);
  CHECK(strip.shape() == Shape{2, 3, 1});
  CHECK(to_vector(strip) == to_vector(clips));
  CHECK(film_strip(clips, 2).shape() == Shape{4, 7, 1});
}

TEST_CASE("enlarging repeats each pixel, whatever stands in front of height and width") {
  const auto image = counted<float>({1, 2, 2});
  CHECK(to_vector(upscale(image, 2)) == std::vector<float>{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4});
  CHECK(upscale(counted<float>({2, 3, 4, 5, 1}), 3).shape() == Shape{2, 3, 12, 15, 1});
  CHECK(to_vector(upscale(image, 1)) == to_vector(image));
}

TEST_CASE("shapes that are no clips are refused") {
  CHECK_THROWS_AS(make_grid(counted<float>({2, 3, 4, 5}), 2), Error);
  CHECK_THROWS_AS(make_grid(counted<float>({2, 3, 4, 5, 1}), 0), Error);
  CHECK_THROWS_AS(make_grid(counted<float>({0, 3, 4, 5, 1}), 1), Error);
  CHECK_THROWS_AS(film_strip(counted<float>({2, 3, 4})), Error);
  CHECK_THROWS_AS(upscale(counted<float>({2, 3}), 2), Error);
}
