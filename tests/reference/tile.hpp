// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <flipbook/core/scalar.hpp>

namespace reference {

/// Whether a product of (rows, columns), written over `before` in rows of `pitch` numbers, holds value(i, j) to so many
/// units of rounding, and whether what lies beside it is as it was.
template <class T, class Value>
bool fills_tile(const std::vector<T>& written, const std::vector<T>& before, flipbook::Index pitch,
                flipbook::Index rows, flipbook::Index columns, double units, const Value& value) {
  for (std::size_t at = 0; at < written.size(); ++at) {
    const auto place = static_cast<flipbook::Index>(at), i = place / pitch, j = place % pitch;
    if (i >= rows || j >= columns) {
      if (written[at] != before[at]) return false;
    } else if (!(std::abs(double(written[at]) - value(i, j)) <= units * std::numeric_limits<T>::epsilon())) {
      return false;
    }
  }
  return true;
}

}  // namespace reference
