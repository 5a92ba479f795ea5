// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

#include <flipbook/core/random.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Whether computing several blocks at once is faster. Vectors must be wide, since a scalar unit multiplies 32 by 32
/// bits as fast.
#ifdef __AVX512F__
inline constexpr bool philox_in_vectors = true;
#else
inline constexpr bool philox_in_vectors = false;
#endif

/// words[w][i] is word w of the i-th of several blocks.
template <std::size_t Count>
using PhiloxWords = std::array<std::array<std::uint32_t, Count>, 4>;

/// `Count` blocks of a stream from block `first` on, as from Rng::block, in loops that the compiler vectorises.
template <std::size_t Count>
PhiloxWords<Count> philox_blocks(const Rng& stream, std::uint64_t first) {
  PhiloxWords<Count> c;
  for (std::size_t i = 0; i < Count; ++i) {
    const std::uint64_t at = stream.position() + first + i;
    c[0][i] = static_cast<std::uint32_t>(at), c[1][i] = static_cast<std::uint32_t>(at >> 32);
    c[2][i] = static_cast<std::uint32_t>(stream.stream()), c[3][i] = static_cast<std::uint32_t>(stream.stream() >> 32);
  }
  auto key0 = static_cast<std::uint32_t>(stream.seed()), key1 = static_cast<std::uint32_t>(stream.seed() >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < Count; ++i) {
      const std::uint64_t a = 0xD2511F53ULL * c[0][i], b = 0xCD9E8D57ULL * c[2][i];
      c[0][i] = static_cast<std::uint32_t>(b >> 32) ^ c[1][i] ^ key0;
      c[2][i] = static_cast<std::uint32_t>(a >> 32) ^ c[3][i] ^ key1;
      c[1][i] = static_cast<std::uint32_t>(b);
      c[3][i] = static_cast<std::uint32_t>(a);
    }
    key0 += 0x9E3779B9U, key1 += 0xBB67AE85U;
  }
  return c;
}

}  // namespace flipbook
