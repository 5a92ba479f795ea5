// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

#include <flipbook/core/error.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cuda {

/// Division of numbers below 2^31 by an invariant divisor: a product and a shift instead of some twenty
/// instructions (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994).
class Divider {
 public:
  Divider() = default;
  /// @throws Error  unless 1 ≤ divisor < 2^31
  explicit Divider(Index divisor) : divisor_(static_cast<std::uint32_t>(divisor)) {
    require(divisor >= 1 && divisor < Index{1} << 31, "division by ", divisor);
    shift_ = 31 + static_cast<std::uint32_t>(std::bit_width(divisor_ - 1));
    multiplier_ = static_cast<std::uint32_t>(((std::uint64_t{1} << shift_) + divisor_ - 1) / divisor_);
  }

  constexpr int operator()(int number) const {
    return static_cast<int>((static_cast<std::uint64_t>(number) * multiplier_) >> shift_);
  }
  /// The remainder; `number` becomes the quotient.
  constexpr int split(int& number) const {
    const int quotient = (*this)(number), rest = number - quotient * static_cast<int>(divisor_);
    number = quotient;
    return rest;
  }

 private:
  std::uint32_t divisor_ = 1, multiplier_ = std::uint32_t{1} << 31, shift_ = 31;
};

}  // namespace flipbook::cuda
