// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>
#include <flipbook/kernels/attention/positions.hpp>
#include <flipbook/kernels/attention/rows.hpp>
#ifndef FLIPBOOK_KERNELS
#include <flipbook/backend/cpu/attention/gradient.hpp>
#include <flipbook/backend/cpu/attention/rotary.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y (N, Lq, H, D) and log_sums (N, H, Lq) from x: qkv, or q and kv, or q, k and v.
template <class T, class... X>
void attention(Cpu, const AttentionGeometry& geometry, const Tensor<T, Cpu>& mask, Tensor<T, Cpu>& y,
               Tensor<T, Cpu>& log_sums, const X&... x) {
#ifdef FLIPBOOK_KERNELS
  from_library<"attention">(attention<T, X...>)(Cpu{}, geometry, mask, y, log_sums, x...);
#else
  const auto [q, k, v] = detail::with_data(detail::to_attention_rows, x...);
  cpu::attention<T>(geometry, q, k, v, detail::score_mask(mask), detail::heads(y.data(), y.shape(), 0),
                    log_sums.data());
#endif
}

/// The gradients dx, which have the shapes of x.
template <class T, class Inputs>
void attention_gradient(Cpu, const AttentionGeometry& geometry, const Tensor<T, Cpu>& mask, const Inputs& x,
                        const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& dy, const Tensor<T, Cpu>& log_sums, Inputs& dx) {
#ifdef FLIPBOOK_KERNELS
  from_library<"attention_gradient">(attention_gradient<T, Inputs>)(Cpu{}, geometry, mask, x, y, dy, log_sums, dx);
#else
  const auto rows = [](auto&... each) { return detail::with_data(detail::to_attention_rows, each...); };
  cpu::attention_gradient<T>(geometry, std::apply(rows, x), detail::score_mask(mask),
                             detail::heads(y.data(), y.shape(), 0), detail::heads(dy.data(), dy.shape(), 0),
                             log_sums.data(), std::apply(rows, dx),
                             std::get<std::tuple_size_v<Inputs> - 1>(x).extent(1));
#endif
}

/// Cosines and sines (L, pairs) of the angles of L tokens.
template <class T>
void position_angles(Cpu, const PositionAngles& angles, Tensor<T, Cpu>& cosines, Tensor<T, Cpu>& sines) {
#ifdef FLIPBOOK_KERNELS
  from_library<"position_angles">(position_angles<T>)(Cpu{}, angles, cosines, sines);
#else
  cpu::position_angles(angles, cosines.data(), sines.data());
#endif
}

/// y = x with the first `rotated` vectors of every token rotated, by the negative angles if `back`.
template <class T>
void apply_rotary(Cpu, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& cosines,
                  const Tensor<T, Cpu>& sines, Index rotated, bool back) {
#ifdef FLIPBOOK_KERNELS
  from_library<"apply_rotary">(apply_rotary<T>)(Cpu{}, y, x, cosines, sines, rotated, back);
#else
  const Index width = x.extent(-1), vectors = x.shape().part(2, x.rank() - 1).size();
  cpu::apply_rotary(width == 0 ? 0 : x.size() / width, x.extent(1), vectors, rotated, width / 2, x.data(),
                    cosines.data(), sines.data(), back ? T(-1) : T(1), y.data());
#endif
}

}  // namespace flipbook::kernel
