// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>

#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The angles of rotary position embeddings, along one or more axes, each with its share of the pairs of components:
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

  /// The axis of a pair: a token's position along it is token / inner mod extent.
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
