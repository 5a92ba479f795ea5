// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>

#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The angles that turn pairs of numbers by the positions of tokens, along one or more axes of which each has its share
/// of the pairs:
///
///     angle[p, j] = p · base^(−j / share),   j = 0 … share − 1
class PositionAngles {
 public:
  /// Positions along the first axis begin at `first`.
  PositionAngles(const Shape& extents, Index pairs, Index first, double base)
      : axes_(extents.rank()), tokens_(extents.size()), pairs_(pairs), first_(first), base_(base) {
    for (int axis = 0; axis < axes_; ++axis) extents_[static_cast<std::size_t>(axis)] = extents[axis];
  }
  constexpr Index tokens() const { return tokens_; }
  constexpr Index pairs() const { return pairs_; }

  /// The axis that a pair belongs to: a token's place along it is token / inner mod extent.
  struct Pair {
    Index extent = 1, inner = 1, first = 0;
    double frequency = 0;
    constexpr double angle(Index place) const { return static_cast<double>(place + first) * frequency; }
  };
  constexpr Pair pair(Index j) const {
    Index inner = tokens_, begin = 0;
    for (int axis = 0; axis < axes_; ++axis) {
      const Index end = pairs_ * (axis + 1) / axes_, extent = extents_[static_cast<std::size_t>(axis)];
      if (extent > 0) inner /= extent;
      if (j < end) {
        const double share = static_cast<double>(end - begin);
        return {extent, inner, axis == 0 ? first_ : 0, std::pow(base_, -static_cast<double>(j - begin) / share)};
      }
      begin = end;
    }
    return {};
  }

 private:
  std::array<Index, Shape::max_rank> extents_{};
  int axes_;
  Index tokens_, pairs_, first_;
  double base_;
};

}  // namespace flipbook
