#include <flipbook/data/windows.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace flipbook;

TEST_CASE("windows cover each sequence and never reach over its end") {
  for (const Index frames : {1, 2, 5}) {
    for (const Index stride : {1, 3, 7}) {
      Windows windows(frames, stride);
      const std::vector<Index> lengths{0, 1, 2, 4, 5, 6, 13};
      Index expected = 0;
      std::vector<std::pair<std::size_t, Index>> places;
      for (std::size_t s = 0; s < lengths.size(); ++s) {
        windows.add(lengths[s]);
        for (Index first = 0; first + frames <= lengths[s]; first += stride, ++expected)
          places.emplace_back(s, first);
      }
      REQUIRE(windows.size() == expected);
      for (Index i = 0; i < expected; ++i) {
        const auto place = windows.place(i);
        CHECK(std::pair(place.sequence, place.first) == places[static_cast<std::size_t>(i)]);
      }
      CHECK_THROWS_AS(windows.place(expected), Error);
      CHECK_THROWS_AS(windows.place(-1), Error);
    }
  }
  CHECK_THROWS_AS(Windows(0, 1), Error);
  CHECK_THROWS_AS(Windows(1, 0), Error);
}
