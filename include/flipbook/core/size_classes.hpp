// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <utility>

#include <flipbook/core/isa.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The block sizes of pools: four per power of two (at most a quarter is wasted), in multiples of 64 bytes, the size of
/// the widest vector and of a cache line. Rounding to few sizes lets freed blocks be reused.
struct SizeClasses {
  static constexpr std::size_t count = 4 * 48, unit = 64;

  // Class 4·e + q holds blocks of 64 · 2^e · (4 + q) / 4 bytes, rounded up to the unit (64 to 112 for classes 0 to 3).
  static constexpr std::size_t size(std::size_t index) noexcept {
    const std::size_t bytes = (unit << (index / 4)) / 4 * (4 + index % 4);
    return (bytes + unit - 1) / unit * unit;
  }
  /// The class of blocks of at least `bytes`, and their size.
  static constexpr std::pair<std::size_t, std::size_t> of(std::size_t bytes) noexcept {
    const std::size_t lines = (bytes < unit ? unit : bytes) - 1;
    const auto exponent = static_cast<std::size_t>(std::bit_width(lines / unit));
    std::size_t index = exponent == 0 ? 0 : 4 * (exponent - 1);
    while (size(index) < bytes) ++index;
    return {index, size(index)};
  }
};

}  // namespace flipbook
