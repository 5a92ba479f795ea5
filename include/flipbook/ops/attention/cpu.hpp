#pragma once

#include <tuple>

#include <flipbook/backend/cpu/attention_gradient.hpp>
#include <flipbook/backend/cpu/rotary.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::kernel {

namespace detail {

/// The heads of x (N, L, H, D), or of one part of x (N, L, parts, H, D).
template <class T>
cpu::HeadRows<T> heads(T* data, const Shape& shape, Index part) {
  const Index vectors = shape.part(2, shape.rank() - 1).size();
  return {data + part * shape[-2] * shape[-1], shape[1] * vectors * shape[-1], vectors * shape[-1], shape[-1]};
}

/// Queries, keys and values from one tensor (qkv), two (q, kv), or three.
template <class T>
cpu::AttentionRows<T> attention_rows(T* qkv, const Shape& shape) {
  return {heads(qkv, shape, 0), heads(qkv, shape, 1), heads(qkv, shape, 2)};
}
template <class T>
cpu::AttentionRows<T> attention_rows(T* q, const Shape& q_shape, T* kv, const Shape& kv_shape) {
  return {heads(q, q_shape, 0), heads(kv, kv_shape, 0), heads(kv, kv_shape, 1)};
}
template <class T>
cpu::AttentionRows<T> attention_rows(T* q, const Shape& q_shape, T* k, const Shape& k_shape, T* v, const Shape& v_shape) {
  return {heads(q, q_shape, 0), heads(k, k_shape, 0), heads(v, v_shape, 0)};
}

/// A mask (N | 1, H | 1, Lq, Lk), or none.
template <class T>
cpu::ScoreMask<T> score_mask(const Tensor<T, Cpu>& mask) {
  if (!mask) return {};
  const Index head = mask.extent(2) * mask.extent(3);
  return {mask.data(), mask.extent(0) == 1 ? 0 : mask.extent(1) * head, mask.extent(3), mask.extent(1) == 1 ? 0 : head};
}

/// The data and shapes of tensors, in turn, to f.
template <class F, class... X>
auto with_data(const F& f, X&... x) {
  return std::apply(f, std::tuple_cat(std::tuple<decltype(x.data()), const Shape&>(x.data(), x.shape())...));
}
inline constexpr auto to_attention_rows = [](auto... data_and_shapes) { return attention_rows(data_and_shapes...); };

}  // namespace detail

/// y (N, Lq, H, D) and log_sums (N, H, Lq) from x: qkv, or q and kv, or q, k and v.
template <class T, class... X>
void attention(Cpu, const AttentionGeometry& geometry, const Tensor<T, Cpu>& mask, Tensor<T, Cpu>& y,
               Tensor<T, Cpu>& log_sums, const X&... x) {
  const auto [q, k, v] = detail::with_data(detail::to_attention_rows, x...);
  cpu::attention<T>(geometry, q, k, v, detail::score_mask(mask), detail::heads(y.data(), y.shape(), 0), log_sums.data());
}

/// The gradients dx, which have the shapes of x.
template <class T, class Inputs>
void attention_gradient(Cpu, const AttentionGeometry& geometry, const Tensor<T, Cpu>& mask, const Inputs& x,
                        const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& dy, const Tensor<T, Cpu>& log_sums, Inputs& dx) {
  const auto rows = [](auto&... each) { return detail::with_data(detail::to_attention_rows, each...); };
  cpu::attention_gradient<T>(geometry, std::apply(rows, x), detail::score_mask(mask),
                             detail::heads(y.data(), y.shape(), 0), detail::heads(dy.data(), dy.shape(), 0),
                             log_sums.data(), std::apply(rows, dx), std::get<std::tuple_size_v<Inputs> - 1>(x).extent(1));
}

/// y = x with the first `turned` vectors of every token turned.
template <class T>
void rotate(Cpu, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& cosines, const Tensor<T, Cpu>& sines,
            Index turned, bool back) {
  const Index width = x.extent(-1), vectors = x.shape().part(2, x.rank() - 1).size();
  cpu::rotate(width == 0 ? 0 : x.size() / width, x.extent(1), vectors, turned, width / 2, x.data(), cosines.data(),
              sines.data(), back ? T(-1) : T(1), y.data());
}

}  // namespace flipbook::kernel
