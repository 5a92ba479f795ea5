// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>

#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/attention/geometry.hpp>

/// The layout of heads in the tensors of attention.

namespace flipbook::inline FLIPBOOK_ISA::kernel {

namespace detail {

/// The heads of x (N, L, H, D), or of one part of x (N, L, parts, H, D).
template <class T>
HeadRows<T> heads(T* data, const Shape& shape, Index part) {
  const Index vectors = shape.part(2, shape.rank() - 1).size();
  return {data + part * shape[-2] * shape[-1], shape[1] * vectors * shape[-1], vectors * shape[-1], shape[-1]};
}

/// Queries, keys and values from one tensor (qkv), two (q, kv), or three.
template <class T>
AttentionRows<T> attention_rows(T* qkv, const Shape& shape) {
  return {heads(qkv, shape, 0), heads(qkv, shape, 1), heads(qkv, shape, 2)};
}
template <class T>
AttentionRows<T> attention_rows(T* q, const Shape& q_shape, T* kv, const Shape& kv_shape) {
  return {heads(q, q_shape, 0), heads(kv, kv_shape, 0), heads(kv, kv_shape, 1)};
}
template <class T>
AttentionRows<T> attention_rows(T* q, const Shape& q_shape, T* k, const Shape& k_shape, T* v, const Shape& v_shape) {
  return {heads(q, q_shape, 0), heads(k, k_shape, 0), heads(v, v_shape, 0)};
}

/// A mask (N | 1, H | 1, Lq, Lk), or none.
template <class T, class B>
ScoreMask<T> score_mask(const Tensor<T, B>& mask) {
  if (!mask) return {};
  const Index head = mask.extent(2) * mask.extent(3);
  return {mask.data(), mask.extent(0) == 1 ? 0 : mask.extent(1) * head, mask.extent(3), mask.extent(1) == 1 ? 0 : head};
}

/// Calls f with the data and shape of each tensor, in order.
template <class F, class... X>
auto with_data(const F& f, X&... x) {
  return std::apply(f, std::tuple_cat(std::tuple<decltype(x.data()), const Shape&>(x.data(), x.shape())...));
}
inline constexpr auto to_attention_rows = [](auto... data_and_shapes) { return attention_rows(data_and_shapes...); };

}  // namespace detail

}  // namespace flipbook::kernel
