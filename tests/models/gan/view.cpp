// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <flipbook/models/gan/augmentation.hpp>
#include <flipbook/testing/gradients.hpp>

using namespace flipbook;

namespace {

const Shape shape{3, 5, 8, 6, 2};
Tensor<float> clips() {
  Rng rng{1};
  return uniform<float>(shape, rng, -1, 1);
}
float at(const Tensor<float>& x, Index n, Index t, Index y, Index column, Index c) {
  return x[n][t][y][column].data()[c];
}

}  // namespace

TEST_CASE("random frames are frames of their clip, all different, and others for each clip and call") {
  const auto x = clips();
  Rng rng{2};
  std::set<std::vector<Index>> draws;
  std::vector<int> seen(5);
  for (int call = 0; call < 40; ++call) {
    const auto y = view::RandomFrames<3>::of(x, rng);
    REQUIRE(y.shape() == Shape{9, 8, 6, 2});
    for (Index n = 0; n < 3; ++n) {
      std::vector<Index> taken;
      for (Index k = 0; k < 3; ++k) {
        for (Index t = 0; t < 5; ++t) {
          if (to_vector(y[3 * n + k]) == to_vector(x[n][t])) taken.push_back(t), ++seen[std::size_t(t)];
        }
      }
      CHECK(std::set<Index>(taken.begin(), taken.end()).size() == 3);
      draws.insert(taken);
    }
  }
  CHECK(draws.size() > 30);                                       // of 60, in 120 draws
  for (const int count : seen) CHECK(std::abs(count - 72) < 30);  // of 360, four deviations
  CHECK_THROWS_WITH_AS(view::RandomFrames<6>::of(x, rng), doctest::Contains("RandomFrames: 6 frames of clips"), Error);
}

TEST_CASE("views are the slices and means that they say, one of another too") {
  const auto x = clips();
  Rng rng{2};
  CHECK(to_vector(view::Clip::of(x, rng)) == to_vector(x));
  const auto coarse = view::Downsampled<2>::of(x, rng);
  REQUIRE(coarse.shape() == Shape{3, 5, 4, 3, 2});
  const auto change = view::Differences::of(x, rng);
  REQUIRE(change.shape() == Shape{3, 4, 8, 6, 2});
  for (Index n = 0; n < 3; ++n) {
    for (Index t = 0; t < 4; ++t) {
      CHECK(at(change, n, t, 7, 3, 1) == at(x, n, t + 1, 7, 3, 1) - at(x, n, t, 7, 3, 1));
      const float mean =
          (at(x, n, t, 2, 4, 1) + at(x, n, t, 3, 4, 1) + at(x, n, t, 2, 5, 1) + at(x, n, t, 3, 5, 1)) / 4;
      CHECK(at(coarse, n, t, 1, 2, 1) == doctest::Approx(mean));
    }
  }
  Rng again = rng;
  const auto both = view::Then<view::RandomFrames<2>, view::Downsampled<2>>::of(x, rng);
  CHECK(to_vector(both) == to_vector(view::Downsampled<2>::of(view::RandomFrames<2>::of(x, again), again)));
  CHECK_THROWS_WITH_AS(view::Differences::of(x.reshape({15, 1, 8, 6, 2}), rng), doctest::Contains("two frames"), Error);
}

TEST_CASE("translation moves all frames of a clip by the same whole pixels, and zeros come in") {
  const auto x = clips();
  Rng rng{3};
  std::set<std::pair<Index, Index>> moves;
  for (int call = 0; call < 30; ++call) {
    const auto y = view::Translation<3>::of(x, rng);  // ±2 of 8, ±2 of 6
    REQUIRE(y.shape() == shape);
    for (Index n = 0; n < 3; ++n) {
      int fitting = 0;
      for (Index down = -3; down <= 3; ++down) {
        for (Index right = -3; right <= 3; ++right) {
          bool fits = true;
          for (Index t = 0; t < 5; ++t)
            for (Index i = 0; i < 8; ++i)
              for (Index j = 0; j < 6; ++j) {
                const Index a = i - down, b = j - right;
                const bool there = a >= 0 && a < 8 && b >= 0 && b < 6;
                fits = fits && at(y, n, t, i, j, 1) == (there ? at(x, n, t, a, b, 1) : 0);
              }
          if (fits) ++fitting, moves.insert({down, right});
        }
      }
      CHECK(fitting == 1);
    }
  }
  CHECK(moves.size() > 18);  // of 25, in 90 draws
  for (const auto& [down, right] : moves) CHECK(std::max(std::abs(down), std::abs(right)) <= 2);
}

TEST_CASE("cutout and brightness do the same to all frames of a clip") {
  const auto x = clips();
  Rng rng{4};
  std::set<int> sizes;
  std::set<float> shifts;
  for (int call = 0; call < 20; ++call) {
    const auto cut = view::Cutout<>::of(x, rng), light = view::Brightness<>::of(x, rng);
    for (Index n = 0; n < 3; ++n) {
      const float shift = at(light, n, 0, 0, 0, 0) - at(x, n, 0, 0, 0, 0);
      CHECK(std::abs(shift) <= 0.5F);
      shifts.insert(shift);
      int zeros = 0;
      for (Index i = 0; i < 8; ++i) {
        for (Index j = 0; j < 6; ++j) {
          const bool gone = at(cut, n, 0, i, j, 0) == 0;
          zeros += gone;
          for (Index t = 0; t < 5; ++t) {
            CHECK(at(cut, n, t, i, j, 1) == (gone ? 0 : at(x, n, t, i, j, 1)));
            CHECK(at(light, n, t, i, j, 1) == doctest::Approx(at(x, n, t, i, j, 1) + shift));
          }
        }
      }
      CHECK(zeros <= 12);  // 4×3, less at a border
      sizes.insert(zeros);
    }
  }
  CHECK(sizes.contains(12));
  CHECK(shifts.size() > 55);
}

TEST_CASE("the middle of a cutout is anywhere in the frame, as often in every place") {
  constexpr Index n = 4000, extent = 8;  // of which it takes 4: two before its middle, and one after it
  Rng rng{7};
  const auto cut = view::Cutout<>::of(ones<float>({n, extent, extent, 1}), rng);
  for (Index row = 0; row < extent; ++row) {
    Index gone = 0, middles = 0;
    for (Index i = 0; i < n; ++i) {
      const float* line = cut.data() + (i * extent + row) * extent;
      gone += std::count(line, line + extent, 0.0F) > 0;
    }
    for (Index middle = 0; middle < extent; ++middle) middles += middle - 2 <= row && row <= middle + 1;
    CHECK(double(gone) / double(n) == doctest::Approx(double(middles) / double(extent)).epsilon(0.1));
  }
}

TEST_CASE("gradients go through every view, whatever it draws") {
  Rng rng{5};
  const auto x = normal<double>({2, 3, 4, 6, 1}, rng);
  const auto seen = [](const auto& v) {
    Rng same{6};
    using All = view::Then<view::Brightness<>, view::Translation<2>, view::Cutout<>, view::Differences,
                           view::RandomFrames<1>, view::Downsampled<2>>;
    return All::of(v, same);
  };
  CHECK(gradient_error(seen, x) < 1e-8);
}
