// SPDX-License-Identifier: MIT
#include <flipbook/data/labelled_sprites.hpp>

#include <doctest/doctest.h>

#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/data/stochastic_sprites.hpp>

using namespace flipbook;

namespace {

// Image k is of brightness 20 · (k + 1) and of class k % 3.
Tensor<std::uint8_t> images() {
  Tensor<std::uint8_t> images({5, 4, 4});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(20 * (i / 16 + 1));
  return images;
}
const Tensor<std::uint8_t> labels({5}, {0, 1, 2, 0, 1});

}  // namespace

TEST_CASE_TEMPLATE("a label is the class of the image that its sprite shows", Sprites, MovingSprites,
                   StochasticSprites) {
  const LabelledSprites source(Sprites(images(), {.frames = 2, .canvas = 16, .sprites = 1}), labels);
  CHECK(source.classes() == 3);
  for (Index i = 0; i < 40; ++i) {
    const LabelledClip<> one = source.clip(i);
    CHECK(to_vector(one.clip) == to_vector(source.source().clip(i)));
    const float brightest = *std::max_element(one.clip.begin(), one.clip.end());
    const Index image = std::lround(brightest * 255 / 20) - 1;
    REQUIRE(one.label.shape() == Shape{1, 3});
    for (Index k = 0; k < 3; ++k) REQUIRE(one.label.data()[k] == (k == image % 3 ? 1 : 0));
  }
}

TEST_CASE("each sprite has a label, and a batch has them all") {
  const LabelledSprites source(MovingSprites(images(), {.frames = 2, .canvas = 16, .sprites = 3}), labels);
  const auto batch = batch_of(source, 0, 4);
  CHECK(batch.clip.shape() == Shape{4, 2, 16, 16, 1});
  CHECK(batch.label.shape() == Shape{4, 3, 3});
}

TEST_CASE("labels that are not one for each image are refused") {
  CHECK_THROWS_AS(LabelledSprites(MovingSprites(images()), Tensor<std::uint8_t>({4}, {0, 1, 2, 0})), Error);
}
