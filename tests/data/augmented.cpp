// SPDX-License-Identifier: MIT
#include <flipbook/data/augmented.hpp>

#include <doctest/doctest.h>

#include <set>

#include <flipbook/data/tensor_dataset.hpp>

using namespace flipbook;

static_assert(FiniteDataset<Augmented<TensorDataset>> && !FiniteDataset<Augmented<Shuffled<TensorDataset>>>);

namespace {

constexpr Index clips = 60, frames = 2, height = 4, width = 5, channels = 2;

/// Values that tell where they come from: (((t · H + y) · W + x) · C + c) / 100, the same in each clip.
TensorDataset numbered() {
  Tensor<float> all({clips, frames, height, width, channels});
  for (Index i = 0; i < all.size(); ++i) all.data()[i] = static_cast<float>(i % (all.size() / clips)) / 100;
  return TensorDataset(all);
}

struct Place {
  Index t, y, x, c;
};
Place place(float value) {
  const auto number = static_cast<Index>(std::lround(100 * value));
  return {number / (height * width * channels), number / (width * channels) % height, number / channels % width,
          number % channels};
}

}  // namespace

TEST_CASE("by default clips are left as they are") {
  const Augmented source(numbered(), {});
  CHECK(source.shape() == numbered().shape());
  CHECK(source.size() == clips);
  CHECK(to_vector(source.clip(3)) == to_vector(numbered().clip(3)));
}

TEST_CASE("parts lie everywhere, are turned over both ways, and all frames of a clip alike") {
  const Augmented source(numbered(), {.height = 2, .width = 3, .flip_horizontally = true, .flip_vertically = true}, 7);
  CHECK(source.shape() == Shape{frames, 2, 3, channels});
  std::set<Index> tops, lefts, directions;
  for (Index i = 0; i < clips; ++i) {
    const auto clip = source.clip(i);
    const Place corner = place(clip.data()[0]);
    const Index dy = place(clip.data()[3 * channels]).y - corner.y, dx = place(clip.data()[channels]).x - corner.x;
    REQUIRE((std::abs(dy) == 1 && std::abs(dx) == 1));
    tops.insert(std::min(corner.y, corner.y + dy)), lefts.insert(std::min(corner.x, corner.x + 2 * dx));
    directions.insert(2 * dy + dx);
    const float* value = clip.data();
    for (Index t = 0; t < frames; ++t) {
      for (Index y = 0; y < 2; ++y) {
        for (Index x = 0; x < 3; ++x) {
          for (Index c = 0; c < channels; ++c) {
            const Place at = place(*value++);
            REQUIRE((at.t == t && at.c == c && at.y == corner.y + dy * y && at.x == corner.x + dx * x));
          }
        }
      }
    }
  }
  CHECK(tops == std::set<Index>{0, 1, 2});
  CHECK(lefts == std::set<Index>{0, 1, 2});
  CHECK(directions.size() == 4);
}

TEST_CASE("brightness is one factor for a clip, and stays in [0, 1]") {
  const Augmented source(numbered(), {.brightness = 0.5});
  const auto plain = numbered().clip(0);
  std::set<float> factors;
  for (Index i = 0; i < clips; ++i) {
    const auto clip = source.clip(i);
    const float factor = clip.data()[40] / plain.data()[40];
    REQUIRE((factor >= 0.5F && factor <= 1.5F));
    factors.insert(factor);
    for (Index at = 0; at < clip.size(); ++at)
      REQUIRE(clip.data()[at] == doctest::Approx(std::min(1.0F, factor * plain.data()[at])));
  }
  CHECK(factors.size() > 50);
}

TEST_CASE("what is drawn depends on the seed and the index alone") {
  const Augmentation how{.height = 2, .width = 2, .brightness = 0.3};
  const auto clip = to_vector(Augmented(numbered(), how, 1).clip(2));
  CHECK(clip == to_vector(Augmented(numbered(), how, 1).clip(2)));
  CHECK(clip != to_vector(Augmented(numbered(), how, 1).clip(3)));
  CHECK(clip != to_vector(Augmented(numbered(), how, 2).clip(2)));
}

TEST_CASE("parts larger than the frames, and brightness beyond black, are refused") {
  CHECK_THROWS_AS(Augmented(numbered(), {.height = 5}), Error);
  CHECK_THROWS_AS(Augmented(numbered(), {.width = -1}), Error);
  CHECK_THROWS_AS(Augmented(numbered(), {.brightness = 1.1}), Error);
}
