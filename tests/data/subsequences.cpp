// SPDX-License-Identifier: MIT
#include <flipbook/data/subsequences.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace flipbook;

TEST_CASE("subsequences cover each sequence and never reach over its end") {
  for (const Index frames : {1, 2, 5}) {
    for (const Index stride : {1, 3, 7}) {
      Subsequences subsequences(frames, stride);
      const std::vector<Index> lengths{0, 1, 2, 4, 5, 6, 13};
      Index expected = 0;
      std::vector<std::pair<std::size_t, Index>> places;
      for (std::size_t s = 0; s < lengths.size(); ++s) {
        subsequences.add(lengths[s]);
        for (Index first = 0; first + frames <= lengths[s]; first += stride, ++expected) places.emplace_back(s, first);
      }
      REQUIRE(subsequences.size() == expected);
      for (Index i = 0; i < expected; ++i) {
        const auto place = subsequences.place(i);
        CHECK(std::pair(place.sequence, place.first) == places[static_cast<std::size_t>(i)]);
      }
      CHECK_THROWS_AS(subsequences.place(expected), Error);
      CHECK_THROWS_AS(subsequences.place(-1), Error);
    }
  }
  CHECK_THROWS_AS(Subsequences(0, 1), Error);
  CHECK_THROWS_AS(Subsequences(1, 0), Error);
}
