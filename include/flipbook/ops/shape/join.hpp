// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/list.hpp>
#include <flipbook/kernels/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

struct Split;

/// Values concatenated along an axis, or, if `stacked`, along a new axis.
struct Join {
  int axis;
  bool stacked;

  /// The extent along the axis that a part of this shape occupies.
  Index places(const Shape& part) const { return stacked ? 1 : part[axis]; }

  template <class T, class B>
  List<Tensor<T, B>> operator()(const List<Tensor<T, B>>& parts) const {
    Index total = 0;
    for (const auto& part : parts) total += places(part.shape());
    const Shape& like = parts.front().shape();
    Shape shape = like.part(0, axis);
    shape.push_back(total);
    for (const Index extent : like.part(stacked ? axis : axis + 1, like.rank())) shape.push_back(extent);
    Tensor<T, B> y(shape);
    kernel::join_columns(B{}, like.part(0, axis).size(), parts, y);
    return {y};
  }
  template <class V>
  List<V> vjp(const List<Shape>& shapes, const List<V>& dy) const;
};

/// One value split along an axis into parts of the given extents, or, if `stacked`, into its elements along the axis,
/// which is dropped. The adjoint of Join. Parts along the outermost axis share memory with the whole.
struct Split {
  int axis;
  bool stacked;
  List<Index> extents;

  template <class T, class B>
  List<Tensor<T, B>> operator()(const List<Tensor<T, B>>& whole) const {
    const Tensor<T, B>& x = whole.front();
    const Index outer = x.shape().part(0, axis).size();
    const Shape rest = x.shape().part(axis + 1, x.rank());
    const Tensor<T, B> places = outer == 1 ? x.reshape(x.shape().part(axis, x.rank())) : Tensor<T, B>{};
    List<Tensor<T, B>> parts;
    Index at = 0;
    for (const Index extent : extents) {
      Shape shape = x.shape().part(0, axis);
      if (!stacked) shape.push_back(extent);
      for (const Index n : rest) shape.push_back(n);
      if (outer == 1) {
        parts.push_back(places.slice(at, at + extent).reshape(shape));
      } else {
        parts.emplace_back(shape);
      }
      at += extent;
    }
    if (outer != 1) kernel::split_columns(B{}, outer, x, parts);
    return parts;
  }
  template <class V>
  List<V> vjp(const List<Shape>&, const List<V>& dy) const {
    return apply_list(Join{axis, stacked}, dy);
  }
};

template <class V>
List<V> Join::vjp(const List<Shape>& shapes, const List<V>& dy) const {
  List<Index> extents;
  for (const Shape& shape : shapes) extents.push_back(places(shape));
  return apply_list(Split{axis, stacked, extents}, dy);
}

/// Values concatenated along an existing axis.
/// @throws Error  if there are none, or they differ in another extent
template <Values R>
auto concat(int axis, const R& parts) {
  require(!std::ranges::empty(parts), "concat: needs at least one value");
  const Shape& first = parts.begin()->shape();
  const int place = static_cast<int>(first.place(axis));
  for (const auto& part : parts) {
    Shape like = part.shape();
    if (like.rank() == first.rank()) like[place] = first[place];
    require(like == first, "concat: shapes ", first, " and ", part.shape(), " differ elsewhere than along axis ", axis);
  }
  return apply_list(Join{place, false}, parts).front();
}
template <Operand X, Operand... Rest>
  requires SameScalarAndBackend<X, Rest...>
auto concat(int axis, const X& x, const Rest&... rest) { return concat(axis, list_of(x, rest...)); }
template <Operand X, Operand... Rest>
  requires(!SameScalarAndBackend<X, Rest...>)
detail::OperandsDifferInScalarOrBackend concat(int axis, const X&, const Rest&...)
= delete;

/// Values of one shape stacked along a new axis, whose index is that in the result: stack(1, frames) makes a clip
/// (N, T, H, W, C) from frames (N, H, W, C).
/// @throws Error  if there are none, or their shapes differ
template <Values R>
auto stack(int axis, const R& parts) {
  require(!std::ranges::empty(parts), "stack: needs at least one value");
  const Shape& first = parts.begin()->shape();
  for (const auto& part : parts) {
    require(part.shape() == first, "stack: shapes ", first, " and ", part.shape(), " differ");
  }
  const int place = static_cast<int>(Shape::filled(first.rank() + 1, 1).place(axis));
  return apply_list(Join{place, true}, parts).front();
}
template <Operand X, Operand... Rest>
  requires SameScalarAndBackend<X, Rest...>
auto stack(int axis, const X& x, const Rest&... rest) { return stack(axis, list_of(x, rest...)); }
template <Operand X, Operand... Rest>
  requires(!SameScalarAndBackend<X, Rest...>)
detail::OperandsDifferInScalarOrBackend stack(int axis, const X&, const Rest&...)
= delete;

/// Parts of the given extents along an axis. Their gradients are assembled once.
/// @throws Error  unless the extents add up to that of the axis
template <Operand X>
auto split(const X& x, int axis, std::initializer_list<Index> extents) {
  const Shape& shape = x.shape();
  Index total = 0;
  for (const Index extent : extents) {
    require(extent >= 0, "split: an extent must not be negative, got ", extent);
    total += extent;
  }
  require(total == shape[axis], "split: parts of ", total, " places together, along axis ", axis, " of ", shape);
  return apply_list(Split{static_cast<int>(shape.place(axis)), false, extents}, list_of(x));
}
/// `count` equal parts along an axis.
/// @throws Error  unless the extent is divisible by `count`
template <Operand X>
auto split(const X& x, int axis, Index count) {
  const Shape& shape = x.shape();
  require(count > 0 && shape[axis] % count == 0, "split: ", count, " equal parts along axis ", axis, " of ", shape);
  const List<Index> extents(static_cast<std::size_t>(count), shape[axis] / count);
  return apply_list(Split{static_cast<int>(shape.place(axis)), false, extents}, list_of(x));
}

/// All elements along an axis, which is dropped: unstack(clip, 1) gives the frames (N, H, W, C) of a clip
/// (N, T, H, W, C). Their gradients are assembled once.
template <Operand X>
auto unstack(const X& x, int axis) {
  const Shape& shape = x.shape();
  const List<Index> extents(static_cast<std::size_t>(shape[axis]), 1);
  return apply_list(Split{static_cast<int>(shape.place(axis)), true, extents}, list_of(x));
}

FLIPBOOK_TEMPLATE(List<Variable<float>> Tape::record_list(Join, const List<Variable<float>>&));
FLIPBOOK_TEMPLATE(List<Variable<float>> Tape::record_list(Split, const List<Variable<float>>&));

FLIPBOOK_TEMPLATE(List<Tensor<float>> Join::operator()(const List<Tensor<float>>&) const);
FLIPBOOK_TEMPLATE(List<Tensor<float>> Split::operator()(const List<Tensor<float>>&) const);

FLIPBOOK_TEMPLATE(auto split(const Tensor<float>&, int, Index));
FLIPBOOK_TEMPLATE(auto split(const Variable<float>&, int, Index));
FLIPBOOK_TEMPLATE(auto concat(int, const List<Tensor<float>>&));
FLIPBOOK_TEMPLATE(auto concat(int, const List<Variable<float>>&));

}  // namespace flipbook
