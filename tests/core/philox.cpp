// SPDX-License-Identifier: MIT
#include <flipbook/core/philox.hpp>

#include <doctest/doctest.h>

using namespace flipbook;

TEST_CASE("blocks worked out together are those of the stream, also where its position passes 2³²") {
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{5}, (std::uint64_t{1} << 32) - 7}) {
    const Rng stream = Rng::at(0x0123456789abcdef, 0xfedcba9876543210, position);
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{3}}) {
      const auto words = philox_blocks<16>(stream, first);
      for (std::size_t i = 0; i < 16; ++i) {
        const auto block = stream.block(first + i);
        for (std::size_t w = 0; w < 4; ++w) CHECK(words[w][i] == block[w]);
      }
    }
  }
}
