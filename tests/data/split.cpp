// SPDX-License-Identifier: MIT
#include <flipbook/data/split.hpp>

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include <flipbook/data/moving_sprites.hpp>

using namespace flipbook;

namespace {

constexpr DataSplit all[]{DataSplit::training, DataSplit::validation, DataSplit::test};

TensorDataset numbered(Index count) {
  Tensor<float> clips({count, 1, 1, 1, 1});
  for (Index i = 0; i < count; ++i) clips.data()[i] = static_cast<float>(i) / 1024;
  return TensorDataset(clips);
}

Tensor<std::uint8_t> images(Index count) {
  Tensor<std::uint8_t> images({count, 2, 2});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = static_cast<std::uint8_t>(1 + i / 4);
  return images;
}

static_assert(FiniteDataset<SplitDataset<TensorDataset>> && Dataset<SplitDataset<MovingSprites>> &&
              !FiniteDataset<SplitDataset<MovingSprites>>);

}  // namespace

TEST_CASE("the parts of an endless source are far from each other, and the first begins where the source does") {
  const MovingSprites source(images(3), {.frames = 2, .canvas = 9});
  CHECK(to_vector(split_of(source, DataSplit::training).clip(5)) == to_vector(source.clip(5)));
  std::set<std::vector<float>> clips;
  Index last = -1;
  for (const DataSplit part : all) {
    const auto some = split_of(source, part);
    CHECK(some.first() > last);  // which the part before must not reach
    last = some.first() + (Index{1} << 40) - 1;
    CHECK(to_vector(some.clip(0)) == to_vector(source.clip(some.first())));
    CHECK_NOTHROW(some.clip((Index{1} << 40) - 1));
    CHECK_THROWS_AS(some.clip(Index{1} << 40), Error);
    for (Index i = 0; i < 5; ++i) clips.insert(to_vector(some.clip(i)));
  }
  CHECK(clips.size() == 15);
}

TEST_CASE("a finite source is cut into three, without what lies in the gaps") {
  std::set<float> seen;
  Index total = 0;
  for (const DataSplit part : all) {
    const auto some = split_of(numbered(40), part, {.validation = 0.25, .test = 0.2, .gap = 2});
    total += some.size();
    for (Index i = 0; i < some.size(); ++i) seen.insert(some.clip(i).item() * 1024);
  }
  CHECK(total == 40 - 2 * 2);
  CHECK(seen.size() == 36);
  CHECK(seen.contains(21.0F));  // the last to learn from, of 22
  CHECK_FALSE(seen.contains(22.0F));
  CHECK(split_of(numbered(40), DataSplit::test, {.test = 0.2}).clip(7).item() * 1024 == 39);
}

TEST_CASE("rows are parted by a shuffle, their labels with them") {
  const auto rows = images(50);
  Tensor<std::uint8_t> labels(Shape{50});
  for (Index i = 0; i < 50; ++i) labels.data()[i] = static_cast<std::uint8_t>(1 + i);
  std::set<int> seen;
  for (const DataSplit part : all) {
    const auto some = split_of(rows, part), names = split_of(labels, part);
    REQUIRE(some.shape() == Shape{part == DataSplit::training ? 40 : 5, 2, 2});
    int ordered = 0;
    for (Index i = 0; i < some.extent(0); ++i) {
      CHECK(some[i].data()[3] == names.data()[i]);
      seen.insert(names.data()[i]);
      ordered += i > 0 && names.data()[i] == names.data()[i - 1] + 1;
    }
    CHECK(ordered < some.extent(0) / 2);
  }
  CHECK(seen.size() == 50);
}

TEST_CASE("what docs/data.md shows of splits") {
  namespace fb = flipbook;
  const Tensor<std::uint8_t> digits = images(50);
  // [splits]
  const auto part = [&](fb::DataSplit split) {
    return fb::split_of(fb::MovingSprites(fb::split_of(digits, split)), split);  // neither digits nor ways in common
  };
  const auto training = part(fb::DataSplit::training), test = part(fb::DataSplit::test);
  // [/splits]
  CHECK(to_vector(training.clip(0)) != to_vector(test.clip(0)));
}

TEST_CASE("parts that leave nothing are refused") {
  CHECK_THROWS_AS(split_of(numbered(40), DataSplit::test, {.test = 0}), Error);
  CHECK_THROWS_AS(split_of(numbered(40), DataSplit::training, {.validation = 0.5, .test = 0.5}), Error);
  CHECK_THROWS_AS(split_of(numbered(4), DataSplit::validation), Error);
  CHECK_THROWS_AS(split_of(numbered(40), DataSplit::test, {.gap = 4}), Error);
}
