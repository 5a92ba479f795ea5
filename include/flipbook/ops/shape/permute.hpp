// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Permutes the axes of a view of x with up to eight axes, and reshapes the result: axis i of the permuted view is axis
/// order[i] of the view. Transposes, patches and pixel shuffles consist of it.
struct Permute {
  static constexpr unsigned saves = save::none;
  static constexpr std::size_t max_axes = CopyPlan::max_axes;
  Shape shape;
  std::size_t axes = 0;
  std::array<Index, max_axes> extents{};
  std::array<int, max_axes> order{};

  void push(Index extent, int from) {
    extents[axes] = extent;
    order[axes++] = from;
  }
  Permute inverse(const Shape& original) const {
    Permute back{original, axes, {}, {}};
    for (std::size_t i = 0; i < axes; ++i) {
      const auto from = static_cast<std::size_t>(order[i]);
      back.extents[i] = extents[from];
      back.order[from] = static_cast<int>(i);
    }
    return back;
  }

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    if (moves_nothing()) return x.reshape(shape);
    Tensor<T, B> y(shape);
    kernel::permute(B{}, std::span(extents.data(), axes), std::span(order.data(), axes), x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(inverse(std::get<0>(saved.inputs).shape()), dy); });
  }

 private:
  // Whether the axes with an extent of more than 1 stay in order.
  bool moves_nothing() const {
    int last = -1;
    for (std::size_t i = 0; i < axes; ++i) {
      if (extents[static_cast<std::size_t>(order[i])] == 1) continue;
      if (order[i] < last) return false;
      last = order[i];
    }
    return true;
  }
};

/// x with its axes permuted: axis i of the result is axis order[i] of x.
/// @throws Error  unless `order` names every axis once
template <Operand X>
auto permute(const X& x, std::initializer_list<int> order) {
  const Shape& from = x.shape();
  Permute op;
  std::array<bool, Shape::max_rank> seen{};
  bool valid = static_cast<int>(order.size()) == from.rank();
  for (const int axis : order) {
    if (!valid) break;
    const std::size_t place = from.place(axis);
    valid = !std::exchange(seen[place], true);
    op.shape.push_back(from[axis]);
    op.push(from[static_cast<int>(op.axes)], static_cast<int>(place));
  }
  require(valid, "permute: the order must name each of the ", from.rank(), " axes of ", from, " once");
  return apply(op, x);
}

/// x with two axes exchanged.
/// @throws Error  if x does not have them
template <Operand X>
auto transpose(const X& x, int a = -1, int b = -2) {
  const Shape& from = x.shape();
  Permute op{from, 0, {}, {}};
  std::swap(op.shape[a], op.shape[b]);
  for (int axis = 0; axis < from.rank(); ++axis) op.push(from[axis], axis);
  std::swap(op.order[from.place(a)], op.order[from.place(b)]);
  return apply(op, x);
}

FLIPBOOK_RECORDED_1(Permute);

FLIPBOOK_TEMPLATE(auto permute(const Tensor<float>&, std::initializer_list<int>));
FLIPBOOK_TEMPLATE(auto transpose(const Tensor<float>&, int, int));

}  // namespace flipbook
