// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <initializer_list>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/elementwise.hpp>
#include <flipbook/kernels/reduce.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

template <Operand X>
auto sum_to(const X& x, const Shape& shape);

namespace function {
struct First {
  template <class V>
  constexpr V operator()(const V& a, const V&) const {
    return a;
  }
};
}  // namespace function

namespace detail {
struct FirstScaled {
  double scale;
  template <class V>
  constexpr V operator()(const V& a, const V&) const {
    return constant<V>(scale) * a;
  }
};
template <class T, class B>
Tensor<T, B> scaled(const Tensor<T, B>& x, double scale) {
  if (scale == 1) return x;
  Tensor<T, B> y(x.shape());
  kernel::map(B{}, ValueOf<function::Affine>{{scale, 0}}, y, x);
  return y;
}

// The shape with extents of 1 in front, so that it has `rank` axes.
inline Shape aligned(const Shape& shape, int rank) {
  Shape with_ones = Shape::filled(rank - shape.rank(), 1);
  for (const Index extent : shape) with_ones.push_back(extent);
  return with_ones;
}
}  // namespace detail

/// The elements times a number, repeated along axes of extent 1 and along new axes in front.
struct BroadcastTo {
  static constexpr unsigned saves = save::none;
  Shape shape;
  double scale = 1;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(shape);
    if constexpr (std::same_as<B, Cpu>) {
      const Tensor<T, B> numbers = detail::scaled(x, scale);
      kernel::map_broadcast(B{}, function::First{}, y, numbers, numbers);
    } else {
      kernel::map_broadcast(B{}, detail::FirstScaled{scale}, y, x, x);
    }
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The elements repeated along axes of extent 1 and along new axes in front, to `shape`.
/// @throws Error  if x does not broadcast to `shape`
template <Operand X>
auto broadcast_to(const X& x, const Shape& shape) {
  const Shape& from = x.shape();
  bool fits = from.rank() <= shape.rank();
  for (int axis = 1; fits && axis <= from.rank(); ++axis) fits = from[-axis] == 1 || from[-axis] == shape[-axis];
  require(fits, "broadcast_to: ", from, " does not broadcast to ", shape);
  return apply(BroadcastTo{shape}, x);
}

/// The adjoint of BroadcastTo: the sum over the axes that it repeats, times the number.
struct SumTo {
  static constexpr unsigned saves = save::none;
  Shape shape;
  double scale = 1;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    const Shape full_rank = detail::aligned(shape, x.rank());
    if (x.shape() == full_rank) return detail::scaled(x, scale).reshape(shape);
    Tensor<T, B> y(full_rank);
    if constexpr (std::same_as<B, Cpu>) {
      kernel::sum_to(B{}, y, x);
      return detail::scaled(y, scale).reshape(shape);
    } else {
      kernel::sum_to(B{}, y, x, scale);
      return y.reshape(shape);
    }
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(BroadcastTo{std::get<0>(saved.inputs).shape(), scale}, dy); });
  }
};

template <class Saved, class V>
auto BroadcastTo::vjp(const Saved& saved, const V& dy) const {
  return gradients([&] { return apply(SumTo{std::get<0>(saved.inputs).shape(), scale}, dy); });
}

/// The sum over the axes that broadcasting from `shape` would repeat: the adjoint of `broadcast_to`.
/// @throws Error  if `shape` does not broadcast to the shape of x
template <Operand X>
auto sum_to(const X& x, const Shape& shape) {
  const Shape& from = x.shape();
  bool fits = shape.rank() <= from.rank();
  for (int axis = 1; fits && axis <= shape.rank(); ++axis) fits = shape[-axis] == 1 || shape[-axis] == from[-axis];
  require(fits, "sum_to: ", from, " is not a broadcast of ", shape);
  return apply(SumTo{shape}, x);
}

/// The sum of all elements: a single number, of rank 0.
template <Operand X>
auto sum(const X& x) {
  return apply(SumTo{Shape{}}, x);
}

namespace detail {
template <Operand X>
auto sum_along(const X& x, std::initializer_list<int> axes, bool drop, double scale) {
  Shape kept = x.shape(), dropped;
  for (const int axis : axes) kept[axis] = -1;
  for (int axis = 0; axis < kept.rank(); ++axis) {
    if (kept[axis] >= 0) dropped.push_back(kept[axis]);
    else kept[axis] = 1;
  }
  auto y = apply(SumTo{kept, scale}, x);
  return drop ? reshape(y, dropped) : y;
}
}  // namespace detail

/// The sum over the given axes, which keep extent 1 (so that the result broadcasts against x) unless `drop`.
template <Operand X>
auto sum(const X& x, std::initializer_list<int> axes, bool drop = false) {
  return detail::sum_along(x, axes, drop, 1);
}

/// The mean of all elements: a single number, of rank 0.
template <Operand X>
auto mean(const X& x) {
  return apply(SumTo{Shape{}, 1.0 / static_cast<double>(x.shape().size())}, x);
}

/// The mean over the given axes, which keep extent 1 unless `drop`.
template <Operand X>
auto mean(const X& x, std::initializer_list<int> axes, bool drop = false) {
  Index count = 1;
  for (const int axis : axes) count *= x.shape()[axis];
  return detail::sum_along(x, axes, drop, 1.0 / static_cast<double>(count));
}

FLIPBOOK_RECORDED_1(SumTo);
FLIPBOOK_RECORDED_1(BroadcastTo);

FLIPBOOK_TEMPLATE(auto detail::sum_along(const Tensor<float>&, std::initializer_list<int>, bool, double));
FLIPBOOK_TEMPLATE(auto detail::sum_along(const Variable<float>&, std::initializer_list<int>, bool, double));
FLIPBOOK_TEMPLATE(auto sum_to(const Tensor<float>&, const Shape&));
FLIPBOOK_TEMPLATE(auto sum_to(const Variable<float>&, const Shape&));

}  // namespace flipbook
