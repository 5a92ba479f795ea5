// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How normalisation sees its input: (outer, rows, groups, width). Each of the outer × groups sets, over
/// rows and width, has a mean and a variance of its own; each of the groups · width channels a weight and
/// a bias.
struct NormGeometry {
  Index outer, rows, groups, width;
  constexpr Index channels() const { return groups * width; }
  constexpr Index sets() const { return outer * groups; }
  constexpr Index set_size() const { return rows * width; }
};

/// Of what each set is: of one row, or of columns of several. Each has kernels of its own, and an operation
/// instantiates only those that it calls.
enum class Along { rows, columns };

/// In place of a function that is applied to what a kernel computes, and of dy · derivative of that function: none.
struct NoFunction {
  template <class V>
  constexpr V operator()(const V& v) const {
    return v;
  }
  template <class V>
  constexpr V operator()(const V& dy, const V&) const {
    return dy;
  }
};
template <>
inline constexpr bool detail::of_library<NoFunction> = true;

}  // namespace flipbook
