// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Philox4x32-10: four random words as a pure function of a counter and a key. Every element of a tensor can draw its
/// own, on any thread and any backend. Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ULL * counter[0], b = 0xCD9E8D57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

class Rng;
namespace detail {
/// Records the calling thread's use of random streams while a step is captured.
struct RngNotes {
  std::vector<std::pair<Rng, Rng>> splits;  ///< the parent at its position, and its child
  bool drawn = false;                       ///< whether a number was drawn on the host
};
inline constinit thread_local RngNotes* rng_notes = nullptr;
}  // namespace detail

/// A stream of random numbers: a seed, and a position that each draw advances. A copy has the same position, so it
/// repeats the draws. Streams from `split` do not overlap with each other or with their parent.
///
/// If several processes each compute a part of a batch, a stream can belong to one `part`. A draw then advances by the
/// numbers of all parts and returns those of its own. All parts together draw the numbers that one process would draw
/// for the whole batch, along its first axis. They are bitwise the same if a part's share is a whole number of blocks
/// (2 numbers) or, in dropout, of runs (64 numbers); otherwise they are other numbers of the same stream, without
/// repetition.
class Rng {
 public:
  constexpr explicit Rng(std::uint64_t seed = 0, std::uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  /// Four random words at `offset` blocks past the current position, which does not change.
  constexpr std::array<std::uint32_t, 4> block(std::uint64_t offset) const noexcept {
    const std::uint64_t at = position_ + offset;
    return philox({low(at), high(at), low(stream_), high(stream_)}, {low(seed_), high(seed_)});
  }
  /// Advances by `blocks` blocks and returns the stream at the position where that draw begins.
  Rng take(std::uint64_t blocks) noexcept {
    Rng before = *this;
    before.position_ += part_ * blocks;
    position_ += parts_ * blocks;
    return before;
  }

  /// Advances by `blocks` blocks, including those of other parts.
  void skip(std::uint64_t blocks) noexcept { position_ += blocks; }
  /// The same stream for one of several parts of a batch, 0 … parts − 1; streams split from it belong to that part too.
  Rng of_part(int part, int parts) const noexcept {
    Rng stream = *this;
    stream.part_ = static_cast<std::uint32_t>(part), stream.parts_ = static_cast<std::uint32_t>(parts);
    return stream;
  }
  /// The same stream for numbers that are equal in all parts.
  Rng of_all_parts() const noexcept { return of_part(0, 1); }

  /// A new stream, independent of this one; each call returns another. All parts of a batch get the same one.
  Rng split() {
    const Rng parent = *this;
    skip(1);
    const auto words = parent.block(0);
    Rng child{join(words[0], words[1]), join(words[2], words[3])};
    child.part_ = part_, child.parts_ = parts_;
    if (detail::rng_notes != nullptr) detail::rng_notes->splits.emplace_back(parent, child);
    return child;
  }

  /// One number, uniform on [0, 1).
  double uniform() noexcept { return unit(join_draw()); }
  /// One number, uniform on [low, high).
  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }
  /// One standard normal number.
  double normal() noexcept {
    if (detail::rng_notes != nullptr) detail::rng_notes->drawn = true;
    return normal_pair(take(1).block(0))[0];
  }
  /// One of 0 … count − 1.
  Index below(Index count) noexcept { return static_cast<Index>(uniform() * static_cast<double>(count)); }

  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t stream() const noexcept { return stream_; }
  std::uint64_t position() const noexcept { return position_; }
  /// The stream at a saved position, so that a resumed run is bitwise identical.
  static Rng at(std::uint64_t seed, std::uint64_t stream, std::uint64_t position) noexcept {
    Rng rng{seed, stream};
    rng.position_ = position;
    return rng;
  }
  friend bool operator==(const Rng&, const Rng&) = default;

  /// A number of [0, 1) from 64 random bits.
  static constexpr double unit(std::uint64_t bits) noexcept { return static_cast<double>(bits >> 11) * 0x1p-53; }
  /// Two numbers of [0, 1) from one block.
  static constexpr std::array<double, 2> unit_pair(const std::array<std::uint32_t, 4>& words) noexcept {
    return {unit(join(words[0], words[1])), unit(join(words[2], words[3]))};
  }
  /// Two standard normal numbers from one block, by the Box–Muller transform.
  template <class Word>
  static constexpr std::array<double, 2> normal_pair(const std::array<Word, 4>& words) noexcept {
    const auto [u, v] = unit_pair(words);
    const double radius = std::sqrt(-2.0 * std::log(1.0 - u)), angle = 2.0 * std::numbers::pi * v;
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }

 private:
  static constexpr std::uint32_t low(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(x); }
  static constexpr std::uint32_t high(std::uint64_t x) noexcept { return static_cast<std::uint32_t>(x >> 32); }
  static constexpr std::uint64_t join(std::uint32_t l, std::uint32_t h) noexcept {
    return std::uint64_t{l} | std::uint64_t{h} << 32;
  }
  std::uint64_t join_draw() noexcept {
    if (detail::rng_notes != nullptr) detail::rng_notes->drawn = true;
    const auto words = take(1).block(0);
    return join(words[0], words[1]);
  }

  std::uint64_t seed_, stream_, position_ = 0;
  std::uint32_t part_ = 0, parts_ = 1;
};

}  // namespace flipbook
