// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/gather.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

template <class B>
struct Scatter;

/// y[r] = x[r, index[r]] for each row r of the last axis, or several elements of each row: y[r, j] = x[r, index[r, j]].
template <class B>
struct TakeAlongAxis {
  static constexpr unsigned saves = save::none;
  Tensor<std::int32_t, B> index;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(index.shape());
    kernel::take_along_axis(B{}, x, index, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The adjoint of TakeAlongAxis: x[r, index[r, j]] += y[r, j], from x = 0.
template <class B>
struct Scatter {
  static constexpr unsigned saves = save::none;
  Tensor<std::int32_t, B> index;
  Shape shape;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& y) const {
    Tensor<T, B> x(shape);
    kernel::scatter(B{}, y, index, x);
    return x;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(TakeAlongAxis<B>{index}, dy); });
  }
};

template <class B>
template <class Saved, class V>
auto TakeAlongAxis<B>::vjp(const Saved& saved, const V& dy) const {
  return gradients([&] { return apply(Scatter<B>{index, std::get<0>(saved.inputs).shape()}, dy); });
}

namespace detail {

/// @throws Error  if an index is not in [0, count); the message has the first one
template <class B>
void require_indices(const char* operation, const Tensor<std::int32_t, B>& indices, Index count) {
  const Index stray = kernel::first_out_of_range(B{}, indices, count);
  if (stray == indices.size()) return;
  fail(operation, ": index ", indices.reshape({-1})[stray].item(), " is not in [0, ", count, ")");
}

}  // namespace detail

/// One element of each row of the last axis: y[…] = x[…, index[…]].
/// @param x  (…, K)      @param index  (…), each of 0 … K − 1
/// @throws Error  if the shapes do not fit, or an index is not in [0, K)
template <Operand X>
auto take_along_axis(const X& x, const Tensor<std::int32_t, typename X::Backend>& index) {
  const Shape& shape = x.shape();
  require(shape.rank() > 0 && index.shape() == shape.part(0, shape.rank() - 1), "take_along_axis: indices of shape ",
          index.shape(), " for rows of ", shape, "; one of each row is needed");
  detail::require_indices("take_along_axis", index, shape[-1]);
  return apply(TakeAlongAxis<typename X::Backend>{index}, x);
}

/// An index for each row of the last axis, drawn with the probabilities softmax(logits).
/// @param logits  (…, K)      @return  (…)
/// @throws Error  if the last axis is missing or empty
template <Real T, class B>
Tensor<std::int32_t, B> sample_categorical(const Tensor<T, B>& logits, Rng& rng) {
  require(logits.rank() > 0 && logits.extent(-1) > 0, "sample_categorical: rows of shape ", logits.shape(),
          " have nothing to choose");
  Tensor<std::int32_t, B> index(logits.shape().part(0, logits.rank() - 1));
  kernel::sample_categorical(B{}, logits, rng.take(static_cast<std::uint64_t>(index.size())), index);
  return index;
}

}  // namespace flipbook
