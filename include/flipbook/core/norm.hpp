#pragma once

#include <flipbook/core/scalar.hpp>

namespace flipbook {

/// How normalisation sees its input: (outer, rows, groups, width). Each of the outer × groups sets, over
/// rows and width, has a mean and a variance of its own; each of the groups · width channels a weight and
/// a bias.
struct NormGeometry {
  Index outer, rows, groups, width;
  constexpr Index channels() const { return groups * width; }
  constexpr Index sets() const { return outer * groups; }
  constexpr Index set_size() const { return rows * width; }
};

}  // namespace flipbook
