// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/attention.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Cosines and sines of the rotation angles of each pair of a token's features: (L, D/2) each.
template <class T, class B>
struct Angles {
  Tensor<T, B> cosines, sines;
};

/// The rotation angles of positions along one or more axes, for `pairs` pairs of features. L is the product of the
/// extents. Each axis has a share of the pairs, with frequencies that fall from 1 towards 1/base:
///
///     angle[p, j] = p · base^(−j / share),   j = 0 … share − 1
///
/// Positions along the first axis begin at `first`.
/// @return  (L, pairs)
template <Real T, class B>
Angles<T, B> position_angles(const Shape& extents, Index pairs, Index first = 0, double base = 10000) {
  Angles<T, B> angles{Tensor<T, B>({extents.size(), pairs}), Tensor<T, B>({extents.size(), pairs})};
  kernel::position_angles(B{}, PositionAngles(extents, pairs, first, base), angles.cosines, angles.sines);
  return angles;
}

/// Rotates pairs of features by angles. The gradient is rotated back.
template <class T, class B>
struct ApplyRotary {
  static constexpr unsigned saves = save::none;
  Angles<T, B> angles;
  Index rotated;
  bool back = false;

  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    kernel::apply_rotary(B{}, y, x, angles.cosines, angles.sines, rotated, back);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&, this] { return apply(ApplyRotary{angles, rotated, !back}, dy); });
  }
};

/// Rotary position embedding: rotates features j and D/2 + j of a vector by its token's angle j, so that products of
/// queries with keys depend on the distance between their tokens.
///
/// @param x  (N, L, …, D), D even    @param angles  (L, D/2)
/// @param rotated  number of a token's vectors to rotate, from the first; the others do not change (-1: all)
/// @throws Error  if the shapes do not fit
/// Su et al., RoFormer, 2021.
template <Operand X>
auto apply_rotary(const X& x, const Angles<typename X::Scalar, typename X::Backend>& angles, Index rotated = -1) {
  const Shape& shape = x.shape();
  require(shape.rank() >= 3 && shape.back() % 2 == 0 && angles.cosines.shape() == Shape{shape[1], shape.back() / 2} &&
              angles.sines.shape() == angles.cosines.shape(),
          "apply_rotary: input ", shape, " with angles ", angles.cosines.shape(), "; need (N, L, …, D) and (L, D/2)");
  const Index vectors = shape.part(2, shape.rank() - 1).size();
  require(rotated <= vectors, "apply_rotary: ", rotated, " of ", vectors, " vectors a token");
  return apply(ApplyRotary<typename X::Scalar, typename X::Backend>{angles, rotated < 0 ? vectors : rotated}, x);
}

}  // namespace flipbook
