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
