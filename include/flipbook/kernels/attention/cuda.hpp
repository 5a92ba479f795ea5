// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/attention/gradient.hpp>
#include <flipbook/backend/cuda/attention/rotary.hpp>
#include <flipbook/kernels/attention/rows.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

namespace detail {

/// Whether all rows of these heads may be read in packs of 16 bytes.
template <class T>
bool packed(const AttentionGeometry& g, const HeadRows<const T>& x) {
  const auto fits = [](Index n) { return n % cuda::pack_size<T> == 0; };
  return std::bit_cast<std::uintptr_t>(x.data) % 16 == 0 && fits(g.width) && fits(x.sample) && fits(x.row) &&
         fits(x.head);
}
template <class T>
cuda::AttentionWork<T> attention_work(const AttentionGeometry& g, const AttentionRows<const T>& x,
                                      const Tensor<T, Cuda>& mask, Wide<T>* log_sums) {
  return {g, cuda::SeenKeys(g), x, score_mask(mask), log_sums, packed(g, x.q) && packed(g, x.k) && packed(g, x.v)};
}

}  // namespace detail

/// y (N, Lq, H, D) and log_sums (N, H, Lq) from x: qkv, or q and kv, or q, k and v.
template <class T, class... X>
void attention(Cuda, const AttentionGeometry& geometry, const Tensor<T, Cuda>& mask, Tensor<T, Cuda>& y,
               Tensor<Wide<T>, Cuda>& log_sums, const X&... x) {
  if (y.size() == 0) return;
  const AttentionRows<const T> rows = detail::with_data(detail::to_attention_rows, x...);
  cuda::attention<T>(detail::attention_work<T>(geometry, rows, mask, log_sums.data()),
                     detail::heads(y.data(), y.shape(), 0));
}

/// The gradients dx, which have the shapes of x.
template <class T, class Inputs>
void attention_gradient(Cuda, const AttentionGeometry& geometry, const Tensor<T, Cuda>& mask, const Inputs& x,
                        const Tensor<T, Cuda>& y, const Tensor<T, Cuda>& dy, const Tensor<Wide<T>, Cuda>& log_sums,
                        Inputs& dx) {
  const auto rows = [](auto&... each) { return detail::with_data(detail::to_attention_rows, each...); };
  const AttentionRows<const T> in = std::apply(rows, std::as_const(x));
  auto work = detail::attention_work<T>(geometry, in, mask, const_cast<Wide<T>*>(log_sums.data()));
  const HeadRows<const T> dy_heads = detail::heads(dy.data(), dy.shape(), 0);
  work.packed = work.packed && detail::packed<T>(geometry, dy_heads);
  cuda::attention_gradient<T>(work, detail::heads(y.data(), y.shape(), 0), dy_heads, std::apply(rows, dx),
                              std::get<std::tuple_size_v<Inputs> - 1>(x).extent(1));
}

/// Cosines and sines (L, pairs) of the angles of L tokens.
template <class T>
void position_angles(Cuda, const PositionAngles& angles, Tensor<T, Cuda>& cosines, Tensor<T, Cuda>& sines) {
  cuda::position_angles(angles, cosines.data(), sines.data());
}

/// y = x with the first `rotated` vectors of every token rotated, by the negative angles if `back`.
template <class T>
void apply_rotary(Cuda, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& cosines,
                  const Tensor<T, Cuda>& sines, Index rotated, bool back) {
  const Index width = x.extent(-1), vectors = x.shape().part(2, x.rank() - 1).size();
  cuda::apply_rotary(width == 0 ? 0 : x.size() / width, x.extent(1), vectors, rotated, width / 2, x.data(),
                     cosines.data(), sines.data(), back, y.data());
}

}  // namespace flipbook::kernel
