// SPDX-License-Identifier: MIT
#include <flipbook/metrics/sprites.hpp>

#include <metrics/checks.hpp>

#include <flipbook/data/moving_sprites.hpp>

using namespace flipbook;
using namespace flipbook::metrics;

static_assert(Criterion<PathError>);

namespace {

/// A square of 2 × 2 pixels at the given places, on black of 12 × 12: (1, T, 12, 12, 1).
Tensor<float> clip_of(const std::vector<std::array<Index, 2>>& places, float brightness = 1) {
  auto clip = zeros<float>({1, static_cast<Index>(places.size()), 12, 12, 1});
  for (std::size_t t = 0; t < places.size(); ++t) {
    for (const Index pixel : {0, 1, 12, 13}) {
      if (places[t][0] < 0) continue;  // nothing is seen
      clip.data()[static_cast<Index>(t) * 144 + places[t][0] * 12 + places[t][1] + pixel] = brightness;
    }
  }
  return clip;
}

Tensor<float> moving(std::uint64_t seed) {
  Rng rng{seed};
  auto images = uniform<float>({3, 9, 7}, rng);
  for (float& pixel : images) pixel = 0.2F + 0.8F * pixel;
  return batch_of(MovingSprites(images, {.frames = 16, .canvas = 33, .sprites = 1, .seed = seed}), 0, 8);
}

template <class M>
M of(M metric, const Tensor<float>& clips) {
  metric.add(clips);
  return metric;
}

}  // namespace

TEST_CASE("a path is the centre of mass, and stays where nothing is seen") {
  const auto path = centroid_path(clip_of({{-1, 0}, {3, 4}, {-1, 0}, {4, 6}})[0]);
  CHECK(to_vector(path.at) == std::vector<double>{5.5, 5.5, 3.5, 4.5, 3.5, 4.5, 4.5, 6.5});
  CHECK(path.seen == std::vector<Index>{0, 1, 0, 1});

  Tensor<float> uneven({1, 1, 3, 2}, {0.5F, 0.25F, 0.0625F, 0, 1, 0});  // weights 0.25, 0, 0 and 0, 0, 0.75
  CHECK(centroid_path(uneven, 0.25).at.data()[1] == doctest::Approx(1.5));
}

TEST_CASE("straight steps are those without second difference") {
  const auto straight = of(SpriteMotion{}, clip_of({{1, 1}, {2, 3}, {3, 5}, {4, 7}}));
  CHECK(straight.value() == 1);
  CHECK(straight.speed() == doctest::Approx(std::sqrt(5)));
  CHECK(straight.seen() == 1);
  // second differences (0, 0), (−2, 0) and (1, 1): one of 2 pixels, one of 1.41
  const auto turning = clip_of({{1, 1}, {2, 2}, {3, 3}, {2, 4}, {2, 6}});
  CHECK(of(SpriteMotion{}, turning).value() == doctest::Approx(2 / 3.0));
  CHECK(of(SpriteMotion({.straight_below = 1}), turning).value() == doctest::Approx(1 / 3.0));
  CHECK(of(SpriteMotion({.straight_below = 3}), turning).value() == 1);

  const auto lost = of(SpriteMotion{}, clip_of({{1, 1}, {1, 1}, {1, 1}, {-1, 0}}));
  CHECK(lost.value() == 0.5);
  CHECK(lost.speed() == 0);
  CHECK(lost.seen() == 0.75);
  CHECK(of(SpriteMotion{}, clip_of({{-1, 0}, {5, 5}, {5, 5}})).value() == 0);
}

TEST_CASE("path statistics are speed, its deviation, bend and the share of straight steps") {
  const auto statistics = path_statistics(clip_of({{1, 1}, {1, 2}, {1, 5}}));
  REQUIRE(statistics.shape() == Shape{1, 4});
  CHECK(statistics.data()[0] == doctest::Approx(2));
  CHECK(statistics.data()[1] == doctest::Approx(1));
  CHECK(statistics.data()[2] == doctest::Approx(2));
  CHECK(statistics.data()[3] == 0);
}

TEST_CASE("the error of a path is the distance of centroids, and the diagonal where there is none") {
  PathError error;
  error.add(clip_of({{1, 1}, {4, 6}}, 0.5F), clip_of({{1, 1}, {1, 2}}));
  CHECK(error.value() == doctest::Approx(2.5));
  error.add(clip_of({{-1, 0}}), clip_of({{3, 3}}));
  CHECK(error.value() == doctest::Approx((5 + std::hypot(12, 12)) / 3));
  CHECK(test::error_of([&] {
          error.add(clip_of({{1, 1}}), clip_of({{-1, 0}}));
        }) == "PathError.add: frame 0 of target 0 shows nothing above 0.100000");
}

TEST_CASE("a sprite that keeps its looks does not change, wherever it goes") {
  const auto clips = moving(1);
  for (const Index crop : {9, 10, 15, 28}) {
    CHECK(of(ContentChange({.crop = crop}), clips).value() < 1e-12);
  }
  const auto squares = clip_of({{1, 1}, {0, 10}, {10, 10}});
  CHECK(of(ContentChange({.crop = 2}), squares).value() < 1e-12);
}

TEST_CASE("what changes is the share of squared brightness") {
  // Brightness 1 and ½: the mean is ¾, deviations ¼, squares 1 and ¼.
  auto fading = clip_of({{1, 1}, {2, 5}});
  for (Index i = 144; i < 288; ++i) fading.data()[i] *= 0.5F;
  CHECK(of(ContentChange({.crop = 6}), fading).value() == doctest::Approx(0.125 / 1.25));
  CHECK(of(ContentChange({.crop = 6}), zeros<float>({1, 3, 12, 12, 1})).value() == 1);

  const auto noise = test::drawn<float>({2, 4, 12, 12, 1}, 3);
  CHECK(of(ContentChange({.crop = 6}), noise).value() > 0.1);
}

TEST_CASE("real clips move mostly straight, and noise does not") {
  const auto clips = moving(2);
  CHECK(of(SpriteMotion{}, clips).value() > 0.7);
  auto shuffled = clips.clone();
  for (Index n = 0; n < 8; ++n)  // every other frame stands where the sprite was long before
    for (Index t = 0; t < 8; t += 2) std::copy_n(clips[n][15 - t].data(), 33 * 33, shuffled[n][t].data());
  CHECK(of(SpriteMotion{}, shuffled).value() < of(SpriteMotion{}, clips).value() - 0.2);
}

TEST_CASE("shards joined are the whole, and what does not fit is refused") {
  const auto clips = moving(3), others = moving(4);
  test::check_shards(PathError{}, clips, others);
  const auto add = [&](auto& metric, Index first, Index last) { metric.add(clips.slice(first, last)); };
  test::check_shards(SpriteMotion{}, 8, add);
  test::check_shards(ContentChange{}, 8, add);
  CHECK(test::error_of([&] { of(SpriteMotion{}, clips[0]); }) ==
        "SpriteMotion.add: needs clips (N, T, H, W, C) of 3 frames or more, got (16, 33, 33, 1)");
  CHECK_THROWS_AS(of(SpriteMotion{}, clip_of({{1, 1}, {1, 1}})), Error);
  CHECK_THROWS_AS(of(ContentChange{}, full<float>({1, 3, 4, 4, 1}, NAN)), Error);
  CHECK_THROWS_AS(path_statistics(clips[0]), Error);
  CHECK_THROWS_AS(ContentChange({.crop = 0}), Error);
  PathError error;
  CHECK_THROWS_AS(error.add(clips, others.slice(0, 2)), Error);
  CHECK_THROWS_AS(error.merge(PathError({.floor = 0.5})), Error);
}
