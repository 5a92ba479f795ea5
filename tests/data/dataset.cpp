// SPDX-License-Identifier: MIT
#include <flipbook/data/dataset.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace flipbook;

namespace {

struct Ramp {
  Shape of_clip{1, 1, 2, 1};
  Shape shape() const { return {1, 1, 2, 1}; }
  Tensor<float> clip(Index i) const {
    Tensor<float> clip(of_clip);
    std::fill(clip.begin(), clip.end(), static_cast<float>(i));
    return clip;
  }
};
struct Image : Ramp {
  Shape shape() const { return {1, 2, 1}; }
};
struct Silent {
  Shape shape() const { return {}; }
};
// Each clip with its number, and a row of as many numbers as `width` says.
struct Labelled : Ramp {
  Index width = 2;
  LabelledClip<> clip(Index i) const {
    Tensor<float> label(Shape{i == 9 ? width + 1 : width});
    std::fill(label.begin(), label.end(), static_cast<float>(-i));
    return {Ramp::clip(i), label};
  }
};
struct Unnamed : Ramp {
  struct Pair {
    Tensor<float> clip, label;
  };
  Pair clip(Index i) const { return {Ramp::clip(i), {}}; }
};
static_assert(Dataset<Labelled> && Dataset<ClipsOnly<Labelled>> && !Dataset<Unnamed>);
static_assert(Dataset<Ramp> && !Dataset<Silent> && !Dataset<int> && !FiniteDataset<Ramp>);

}  // namespace

TEST_CASE("a batch holds the clips from the first one on") {
  const auto batch = batch_of(Ramp{}, 3, 2);
  CHECK(batch.shape() == Shape{2, 1, 1, 2, 1});
  CHECK(to_vector(batch) == std::vector<float>{3, 3, 4, 4});
}

TEST_CASE("a source whose clips are not what it says is refused") {
  CHECK_THROWS_WITH_AS(batch_of(Ramp{.of_clip = {1, 1, 1, 1}}, 5, 1),
                       "batch_of: clip 5 is of shape (1, 1, 1, 1), not (1, 1, 2, 1)", Error);
  CHECK_THROWS_AS(batch_of(Image{}, 0, 1), Error);
  CHECK_THROWS_AS(batch_of(Ramp{}, -1, 1), Error);
  CHECK_THROWS_AS(batch_of(Ramp{}, 0, -1), Error);
}

TEST_CASE("annotated clips make a batch of the same struct, each member with a leading axis") {
  const LabelledClip<> batch = batch_of(Labelled{}, 3, 2);
  CHECK(batch.clip.shape() == Shape{2, 1, 1, 2, 1});
  CHECK(to_vector(batch.clip) == std::vector<float>{3, 3, 4, 4});
  CHECK(batch.label.shape() == Shape{2, 2});
  CHECK(to_vector(batch.label) == std::vector<float>{-3, -3, -4, -4});
}

TEST_CASE("what is beside the clips must be of one shape") {
  CHECK_THROWS_WITH_AS(batch_of(Labelled{}, 8, 2), "batch_of: 'label' of clip 9 is of shape (3), not (2)", Error);
  CHECK_THROWS_WITH_AS(batch_of(Labelled{}, 8, 0), "batch_of: a batch of no annotated clips", Error);
}

TEST_CASE("the clips of annotated ones alone are a data set like any other") {
  const auto batch = batch_of(ClipsOnly(Labelled{}), 3, 2);
  CHECK(to_vector(batch) == std::vector<float>{3, 3, 4, 4});
}

TEST_CASE("members are mapped one by one, to others of another type") {
  const auto shapes = map_members(Labelled{}.clip(2), [](const Tensor<float>& x) { return x.size(); });
  static_assert(std::same_as<decltype(shapes), const LabelledClip<Index>>);
  CHECK(shapes.clip == 2);
  CHECK(shapes.label == 2);
  CHECK(map_members(Ramp{}.clip(2), [](const Tensor<float>& x) { return x.rank(); }) == 4);
}
