// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/ops/resample/blocks.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// One axis resized by linear interpolation between the two nearest positions.
struct Interpolate {
  static constexpr unsigned saves = save::none;
  int axis;
  Index extent;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Shape shape = x.shape();
    shape[axis] = extent;
    Tensor<T, B> y(shape);
    kernel::interpolate(B{}, axis, x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The adjoint of Interpolate: sums the contributions of each position.
struct InterpolateAdjoint {
  static constexpr unsigned saves = save::none;
  int axis;
  Index extent;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& y) const {
    Shape shape = y.shape();
    shape[axis] = extent;
    Tensor<T, B> x(shape);
    kernel::interpolate_adjoint(B{}, axis, y, x);
    return x;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dx) const {
    return gradients([&] { return apply(Interpolate{axis, std::get<0>(saved.inputs).extent(axis)}, dx); });
  }
};

template <class Saved, class V>
auto Interpolate::vjp(const Saved& saved, const V& dy) const {
  return gradients([&] { return apply(InterpolateAdjoint{axis, std::get<0>(saved.inputs).extent(axis)}, dy); });
}

/// (N, [T, [H,]] W, C) resized to the given extents by linear interpolation along each axis (bilinear, trilinear), as
/// PyTorch's `interpolate` with align_corners = false.
/// @throws Error  if an extent is not positive
template <Operand X>
auto resize_linear(const X& x, const Extent& size) {
  const int places = detail::places_of("resize_linear", x.shape());
  const auto along = [&](const auto& v, int axis) {  // `axis` among time, height and width
    const Index from = x.shape()[axis - 3 + places + 1], to = size[axis];
    require(from > 0 && to > 0, "resize_linear: ", x.shape(), " to ", detail::size_text(size, places),
            "; needs positive extents");
    return apply(Interpolate{axis - 3 + places + 1, to}, v);
  };
  auto y = along(x, 2);
  if (places >= 2) y = along(y, 1);
  if (places == 3) y = along(y, 0);
  return y;
}

/// `resize_linear` with every extent multiplied by a factor.
template <Operand X>
auto upsample_linear(const X& x, const Extent& factor) {
  const int places = detail::places_of("upsample_linear", x.shape());
  const auto times = [&](int axis) {
    return axis < 3 - places ? 1 : static_cast<int>(x.shape()[axis - 3 + places + 1]) * factor[axis];
  };
  return resize_linear(x, Extent(times(0), times(1), times(2)));
}

}  // namespace flipbook
