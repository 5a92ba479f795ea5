// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/scalar.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The shape (outer, rows, groups, width) as which normalisation views its input. Each of the outer × groups sets, over
/// rows and width, has its own mean and variance; each of the groups · width channels has a weight and a bias.
struct NormGeometry {
  Index outer, rows, groups, width;
  constexpr Index channels() const { return groups * width; }
  constexpr Index sets() const { return outer * groups; }
  constexpr Index set_size() const { return rows * width; }
};

/// Whether a set is one row, or columns of several rows. Both have their own kernels, and an operation instantiates
/// only those that it calls.
enum class Along { rows, columns };

/// The identity, in place of a function applied to a kernel's result and of dy times the function's derivative.
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
