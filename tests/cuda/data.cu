// SPDX-License-Identifier: MIT
// Clips that a device makes.
#include <doctest/doctest.h>

#include <flipbook/data/moving_sprites.hpp>
#include <flipbook/data/split.hpp>
#include <flipbook/train/stepper.hpp>

#include "agree.hpp"

using namespace flipbook;
using namespace flipbook::test;

static_assert(MadeOn<MovingSprites, Cuda> && !MadeOn<MovingSprites, Cpu>);

namespace {

Tensor<std::uint8_t> images(Index count, Index height, Index width) {
  Tensor<std::uint8_t> made({count, height, width});
  for (Index i = 0; i < made.size(); ++i) made.data()[i] = static_cast<std::uint8_t>(i * 37 % 256);
  return made;
}

}  // namespace

TEST_CASE("moving sprites are the same pixels as the CPU's") {
  const std::vector<MovingSprites> sources{
      {images(1, 1, 1), {.frames = 1, .canvas = 1, .sprites = 1}},
      {images(5, 3, 7), {.frames = 13, .canvas = 11, .sprites = 3, .step = 0.37, .seed = 1ULL << 40}},
      {images(2, 17, 17), {.frames = 3, .canvas = 17, .sprites = 2, .seed = 5}},
      {images(7, 9, 5), {.frames = 29, .canvas = 31, .sprites = 1, .step = 2, .seed = 9}}};
  for (const MovingSprites& source : sources) {
    const auto make = made_on(Cuda{}, source);
    CHECK(same(to<Cpu>(make(0, 4)), batch_of(source, 0, 4)));
    CHECK(same(to<Cpu>(make(1'000'000'007, 3)), batch_of(source, 1'000'000'007, 3)));
    CHECK(make(3, 0).shape() == batch_of(source, 3, 0).shape());
  }
}

TEST_CASE("a device makes the clips of a part where it makes those of the whole") {
  const auto part = split_of(MovingSprites(images(3, 5, 5), {.frames = 2, .canvas = 8}), DataSplit::validation);
  CHECK(same(to<Cpu>(made_on(Cuda{}, part)(3, 2)), batch_of(part, 3, 2)));
}

TEST_CASE("batches of moving sprites are the loader's") {
  const MovingSprites source(images(3, 5, 5), {.frames = 2, .canvas = 8});
  const DataLoaderOptions options{.batch = 3, .first = 2};
  flipbook::detail::Batches<Cuda, MovingSprites> made(source, options);
  flipbook::detail::Batches<Cpu, MovingSprites> loaded(source, options);
  for (int i = 0; i < 3; ++i) CHECK(same(to<Cpu>(made.next()), loaded.next()));
}
