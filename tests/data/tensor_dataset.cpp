// SPDX-License-Identifier: MIT
#include <flipbook/data/tensor_dataset.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

using namespace flipbook;

static_assert(FiniteDataset<TensorDataset> && Dataset<Shuffled<TensorDataset>> &&
              !FiniteDataset<Shuffled<TensorDataset>>);

namespace {
struct Labelled : TensorDataset {
  using TensorDataset::TensorDataset;
  LabelledClip<> clip(Index index) const {
    return {TensorDataset::clip(index), Tensor<float>(Shape{1}, {-static_cast<float>(index)})};
  }
};

TensorDataset numbered(Index count) {
  Tensor<float> clips({count, 1, 1, 2, 1});
  for (Index i = 0; i < clips.size(); ++i) clips.data()[i] = static_cast<float>(i);
  return TensorDataset(clips);
}
std::vector<Index> epoch(const Shuffled<TensorDataset>& source, Index number, Index size) {
  std::vector<Index> order;
  for (Index i = 0; i < size; ++i) order.push_back(static_cast<Index>(source.clip(number * size + i).data()[0]) / 2);
  return order;
}
}  // namespace

TEST_CASE("a permutation holds every number once, for any size") {
  for (const Index size : {1L, 2L, 3L, 4L, 5L, 16L, 17L, 97L, 1000L, 4097L}) {
    const Permutation permutation(size, 1, 2);
    std::vector<bool> seen(static_cast<std::size_t>(size));
    for (Index i = 0; i < size; ++i) {
      const Index at = permutation(i);
      REQUIRE((at >= 0 && at < size));
      REQUIRE_FALSE(seen[static_cast<std::size_t>(at)]);
      seen[static_cast<std::size_t>(at)] = true;
    }
  }
  CHECK_THROWS_AS(Permutation(0, 1, 1), Error);
  CHECK_THROWS_AS(Permutation(3, 1, 1)(3), Error);
}

TEST_CASE("a permutation sends each place everywhere about equally often") {
  // 5 places, 5000 seeds: a count has mean 1000 and standard deviation 28.
  std::vector<int> counts(25);
  for (std::uint64_t seed = 0; seed < 5000; ++seed)
    for (Index i = 0; i < 5; ++i) ++counts[static_cast<std::size_t>(5 * i + Permutation(5, seed, 0)(i))];
  for (const int count : counts) CHECK(std::abs(count - 1000) < 5 * 28);
}

TEST_CASE("every pass over shuffled clips holds each once, in a new order that the seed fixes") {
  const Shuffled source(numbered(11), 3);
  std::vector<Index> all(11);
  std::iota(all.begin(), all.end(), 0);
  const auto first = epoch(source, 0, 11), second = epoch(source, 1, 11);
  CHECK(first != second);
  CHECK(first != all);
  CHECK(std::is_permutation(first.begin(), first.end(), all.begin()));
  CHECK(std::is_permutation(second.begin(), second.end(), all.begin()));
  CHECK(epoch(Shuffled(numbered(11), 3), 1, 11) == second);
  CHECK(epoch(Shuffled(numbered(11), 4), 1, 11) != second);
}

TEST_CASE("labels are shuffled with their clips") {
  Tensor<float> clips({11, 1, 1, 1, 1});
  for (Index i = 0; i < 11; ++i) clips.data()[i] = static_cast<float>(i);
  const Shuffled source(Labelled(clips), 3);
  for (Index i = 0; i < 11; ++i) CHECK(source.clip(i).label.item() == -source.clip(i).clip.item());
}

TEST_CASE("clips in memory are the source's") {
  const TensorDataset copy = in_memory(numbered(3));
  CHECK(copy.size() == 3);
  CHECK(copy.shape() == Shape{1, 1, 2, 1});
  CHECK(to_vector(copy.clip(2)) == std::vector<float>{4, 5});
  CHECK_THROWS_AS(copy.clip(3), Error);
  CHECK_THROWS_AS(copy.clip(-1), Error);
}

TEST_CASE("clips of another rank, and numbers that are none, are refused") {
  CHECK_THROWS_AS(TensorDataset(Tensor<float>({2, 3, 4, 5})), Error);
  CHECK_THROWS_AS(Shuffled(TensorDataset(Tensor<float>({0, 1, 1, 1, 1}))), Error);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    try {
      TensorDataset(Tensor<float>({2, 1, 1, 2, 1}, {0, 0, 0, bad}));
      FAIL("was let in");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("(1, 0, 0, 1, 0)") != std::string::npos);
    }
  }
}
