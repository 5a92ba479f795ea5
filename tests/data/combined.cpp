// SPDX-License-Identifier: MIT
#include <flipbook/data/combined.hpp>

#include <doctest/doctest.h>

#include <vector>

#include <flipbook/core/fill.hpp>

using namespace flipbook;

namespace {

/// Clips of one number each: `first` + i.
struct Endless {
  Index first = 0;
  Shape shape() const { return {1, 1, 1, 1}; }
  Tensor<float> clip(Index i) const { return full<float>(shape(), static_cast<float>(first + i)); }
};
struct Few : Endless {
  Index count = 0;
  Index size() const { return count; }
};
struct Broad : Few {
  Shape shape() const { return {1, 1, 2, 1}; }
};
static_assert(FiniteDataset<Subset<Few>> && FiniteDataset<Subset<Endless>> && FiniteDataset<Concatenated<Few, Few>>);
static_assert(Dataset<Mixture<Endless, Endless>> && !FiniteDataset<Mixture<Endless>>);

template <class Source>
std::vector<float> numbers(const Source& source) {
  std::vector<float> all;
  for (Index i = 0; i < source.size(); ++i) all.push_back(source.clip(i).item());
  return all;
}

}  // namespace

TEST_CASE("a subset is a range, or a list in its own order") {
  CHECK(numbers(Subset(Few{{10}, 5}, 1, 4)) == std::vector<float>{11, 12, 13});
  CHECK(numbers(Subset(Few{{10}, 5}, {4, 0, 4})) == std::vector<float>{14, 10, 14});
  CHECK(numbers(Subset(Endless{}, 1000, 1002)) == std::vector<float>{1000, 1001});
  CHECK(Subset(Few{{0}, 5}, 5, 5).size() == 0);
  const Subset some(Few{{0}, 5}, 1, 4);
  CHECK_THROWS_WITH_AS(some.clip(3), "Subset: clip 3 of 3", Error);
  CHECK_THROWS_AS(some.clip(-1), Error);
  CHECK_THROWS_AS(Subset(Few{{0}, 5}, 2, 6), Error);
  CHECK_THROWS_AS(Subset(Few{{0}, 5}, -1, 3), Error);
  CHECK_THROWS_AS(Subset(Few{{0}, 5}, 3, 2), Error);
  CHECK_THROWS_AS(Subset(Few{{0}, 5}, {0, 5}), Error);
}

TEST_CASE("concatenated sources follow each other, also where one is empty") {
  const Concatenated all(Few{{0}, 3}, Few{{10}, 0}, Few{{20}, 2});
  CHECK(all.size() == 5);
  CHECK(numbers(all) == std::vector<float>{0, 1, 2, 20, 21});
  CHECK_THROWS_WITH_AS(all.clip(5), "Concatenated: clip 5 of 5", Error);
  CHECK_THROWS_AS(all.clip(-1), Error);
  CHECK_THROWS_WITH_AS(Concatenated(Few{}, Broad{}), "Concatenated: clips of (1, 1, 1, 1) and of (1, 1, 2, 1)", Error);
}

TEST_CASE("a mixture has the proportions that are asked for, and is a function of the index") {
  const Mixture mixed({1, 0, 3}, 5, Endless{0}, Endless{100'000}, Endless{200'000}), again = mixed;
  std::vector<Index> counts(3);
  bool same = true;
  const Index clips = 4000;
  for (Index i = 0; i < clips; ++i) {
    const float number = mixed.clip(i).item();
    const auto source = static_cast<Index>(number) / 100'000;
    ++counts[static_cast<std::size_t>(source)];
    CHECK(static_cast<Index>(number) % 100'000 == i);
    same = same && number == again.clip(i).item() && source == static_cast<Index>(mixed.which(i));
  }
  CHECK(same);
  CHECK(counts[1] == 0);
  CHECK(std::abs(static_cast<double>(counts[0]) - 1000) < 5 * std::sqrt(4000 * 0.25 * 0.75));
  CHECK_THROWS_AS(Mixture({0, 0}, 1, Endless{}, Endless{}), Error);
  CHECK_THROWS_AS(Mixture({1, -1}, 1, Endless{}, Endless{}), Error);
}
