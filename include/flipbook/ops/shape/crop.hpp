// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// The block of x that begins at `first` and has extents `shape`. Shares memory if the block is contiguous in x, as
/// frames of one clip are.
struct Crop {
  static constexpr unsigned saves = save::none;
  Shape first, shape;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    if (x.shape() == shape) return x;
    int axis = 0;  // the outermost axis along which the block's extent is more than 1
    while (axis < shape.rank() - 1 && shape[axis] == 1) ++axis;
    if (shape.size() > 0 && x.shape().part(axis + 1, x.rank()) == shape.part(axis + 1, shape.rank())) {
      Index row = 0;  // index of the block's first row, with this axis and those before it flattened
      for (int i = 0; i <= axis; ++i) row = row * x.extent(i) + first[i];
      const Index rows = x.shape().part(0, axis + 1).size();
      return x.reshape({rows, x.size() / rows}).slice(row, row + shape[axis]).reshape(shape);
    }
    Tensor<T, B> y(shape);
    kernel::copy_block(B{}, shape, x, first, y, Shape::filled(shape.rank(), 0));
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// x padded with a constant: the adjoint of Crop if the constant is 0.
struct Pad {
  static constexpr unsigned saves = save::none;
  Shape first, shape;
  double value;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    if (x.shape() == shape) return x;
    Tensor<T, B> y(shape);
    fill(y, static_cast<T>(value));
    kernel::copy_block(B{}, x.shape(), x, Shape::filled(shape.rank(), 0), y, first);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(Crop{first, std::get<0>(saved.inputs).shape()}, dy); });
  }
};

template <class Saved, class V>
auto Crop::vjp(const Saved& saved, const V& dy) const {
  return gradients([&] { return apply(Pad{first, std::get<0>(saved.inputs).shape(), 0}, dy); });
}

/// Writes the first block of x, of extents `block`, to y at `first`, in place: for caches that grow. Nothing is
/// recorded.
/// @throws Error  if the block is not inside both
template <Element T, class B>
void write_block(Tensor<T, B> y, const Shape& first, const Tensor<T, B>& x, const Shape& block) {
  bool inside = x.rank() == y.rank() && first.rank() == y.rank() && block.rank() == y.rank();
  for (int axis = 0; inside && axis < y.rank(); ++axis) {
    inside = first[axis] >= 0 && block[axis] <= x.extent(axis) && first[axis] + block[axis] <= y.extent(axis);
  }
  require(inside, "write_block: a block ", block, " of ", x.shape(), " at ", first, " is not inside ", y.shape());
  kernel::copy_block(B{}, block, x, Shape::filled(x.rank(), 0), y, first);
}
/// Writes all of x to y at `first`, in place.
template <Element T, class B>
void write_block(Tensor<T, B> y, const Shape& first, const Tensor<T, B>& x) {
  write_block(std::move(y), first, x, x.shape());
}

/// The block of x that begins at `first` and has extents `shape`.
/// @throws Error  if the block is not inside x
template <Operand X>
auto crop(const X& x, const Shape& first, const Shape& shape) {
  const Shape& from = x.shape();
  bool inside = first.rank() == from.rank() && shape.rank() == from.rank();
  for (int axis = 0; inside && axis < from.rank(); ++axis) inside = first[axis] + shape[axis] <= from[axis];
  require(inside, "crop: a block of ", shape, " at ", first, " is not inside ", from);
  return apply(Crop{first, shape}, x);
}

/// Elements [first, last) along one axis. The gradient of a slice is as large as x: to divide x into parts, use `split`
/// or `unstack`, whose gradient is assembled once.
/// @throws Error  unless 0 ≤ first ≤ last ≤ the extent
template <Operand X>
auto slice(const X& x, int axis, Index first, Index last) {
  Shape shape = x.shape(), start = Shape::filled(shape.rank(), 0);
  require(0 <= first && first <= last && last <= shape[axis], "slice: [", first, ", ", last, ") along axis ", axis,
          " of ", shape);
  shape[axis] = last - first;
  start[axis] = first;
  return apply(Crop{start, shape}, x);
}

/// x padded with `before[i]` and `after[i]` elements of a constant at the ends of axis i.
/// @throws Error  unless `before` and `after` have one number for every axis
template <Operand X>
auto pad(const X& x, const Shape& before, const Shape& after, double value = 0) {
  Shape shape = x.shape();
  require(before.rank() == shape.rank() && after.rank() == shape.rank(), "pad: by ", before, " before and ", after,
          " after for shape ", shape, "; needs one number for each axis");
  for (int axis = 0; axis < shape.rank(); ++axis) shape[axis] += before[axis] + after[axis];
  return apply(Pad{before, shape, value}, x);
}
/// x padded with a constant along one axis.
/// @throws Error  if `before` or `after` is negative
template <Operand X>
auto pad(const X& x, int axis, Index before, Index after, double value = 0) {
  require(before >= 0 && after >= 0, "pad: by ", before, " before and ", after, " after; neither may be negative");
  Shape first = Shape::filled(x.shape().rank(), 0), last = first;
  first[axis] = before;
  last[axis] = after;
  return pad(x, first, last, value);
}

FLIPBOOK_RECORDED_1(Crop);
FLIPBOOK_RECORDED_1(Pad);

FLIPBOOK_TEMPLATE(auto slice(const Tensor<float>&, int, Index, Index));

}  // namespace flipbook
