// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/attention.hpp>
#include <flipbook/kernels/attention/geometry.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Options of attention: causality, number of keys, scale.
struct AttentionOptions {
  bool causal = false;  ///< masks keys after the query; the last query and the last key have the same position
  Index block = 1;      ///< number of tokens that share a causal position, such as those of one frame
  Index keys = -1;      ///< number of leading keys that are valid, such as those in a cache; -1: all
  double scale = 0;     ///< factor of the scores; 0: 1/√D
};

/// The gradients of attention with respect to all its inputs, concatenated in one vector.
template <class T, class B>
struct AttentionGradient {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient = "attention can be differentiated once, not twice";
  AttentionGeometry geometry;
  Tensor<T, B> mask;
  Tensor<Wide<T>, B> log_sums;

  /// @param inputs  those of attention, then y and dy
  template <class... X>
  Tensor<T, B> operator()(const X&... inputs) const {
    return gradient(std::make_index_sequence<sizeof...(X) - 2>{}, std::tie(inputs...));
  }
  /// Products for the scores, their gradient, and the gradients of values, keys and queries.
  Index multiply_adds(const auto&...) const { return geometry.multiply_adds(5); }

 private:
  template <std::size_t... I, class Inputs>
  Tensor<T, B> gradient(std::index_sequence<I...>, const Inputs& inputs) const {
    const std::tuple x{std::get<I>(inputs)...};
    Tensor<T, B> all({(std::get<I>(x).size() + ...)});
    Index at = 0;
    const auto next = [&](const Shape& shape) {
      at += shape.size();
      return all.slice(at - shape.size(), at).reshape(shape);
    };
    std::tuple dx{next(std::get<I>(x).shape())...};
    const auto &y = std::get<sizeof...(I)>(inputs), &dy = std::get<sizeof...(I) + 1>(inputs);
    kernel::attention_gradient(B{}, geometry, mask, x, y, dy, log_sums, dx);
    return all;
  }
};

/// softmax(scale · q·kᵀ + mask)·v, tile by tile. It saves only the logarithm of each query's sum of exponentials.
template <class T, class B>
struct Attention {
  static constexpr unsigned saves = save::all_inputs | save::output;
  AttentionGeometry geometry;
  Tensor<T, B> mask;
  Tensor<Wide<T>, B> log_sums{};

  template <class... X>
  Tensor<T, B> operator()(const X&... x) {
    Tensor<T, B> y({geometry.batch, geometry.queries, geometry.heads, geometry.width});
    log_sums = Tensor<Wide<T>, B>({geometry.batch, geometry.heads, geometry.queries});
    kernel::attention(B{}, geometry, mask, y, log_sums, x...);
    return y;
  }
  /// Products for the scores, and of the probabilities with the values.
  Index multiply_adds(const auto&...) const { return geometry.multiply_adds(2); }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return parts(std::make_index_sequence<std::tuple_size_v<decltype(saved.inputs)>>{}, saved, dy);
  }

 private:
  template <std::size_t... I, class Saved, class V>
  auto parts(std::index_sequence<I...>, const Saved& saved, const V& dy) const {
    const auto& x = saved.inputs;
    const V all = apply(AttentionGradient<T, B>{geometry, mask, log_sums}, std::get<I>(x)..., saved.output, dy);
    const auto part = split(all, 0, {std::get<I>(x).size()...});
    return gradients(reshape(part[I], std::get<I>(x).shape())...);
  }
};

namespace detail {

template <class T, class B>
Tensor<T, B> checked_mask(const Tensor<T, B>& mask, const AttentionGeometry& g) {
  if (!mask) return mask;
  const Shape& shape = mask.shape();
  const Shape full =
      shape.rank() == 3 ? Shape{shape[0], 1, shape[1], shape[2]} : aligned(shape, std::max(4, shape.rank()));
  const auto fits = [&](int axis, Index extent) { return full[axis] == extent || full[axis] == 1; };
  require(full.rank() == 4 && fits(0, g.batch) && fits(1, g.heads) && full[2] == g.queries && full[3] == g.keys,
          "attention: mask ", shape, " for scores ", Shape{g.batch, g.heads, g.queries, g.keys},
          "; needs (Lq, Lk), (N, Lq, Lk) or (N, H, Lq, Lk), with 1 for an N or H that it does not depend on");
  return mask.reshape(full);
}

template <class T, class B, Operand... X>
auto attend(const AttentionOptions& options, const Tensor<T, B>& mask, const Shape& q, const Shape& k, const X&... x) {
  require(options.keys <= k[1], "attention: the first ", options.keys, " of ", k[1], " keys");
  require(options.block >= 1, "attention: a block of ", options.block, " tokens");
  AttentionGeometry g{.batch = q[0], .heads = q[-2], .queries = q[1], .keys = options.keys < 0 ? k[1] : options.keys};
  g.width = q[-1];
  g.causal_block = options.causal ? options.block : 0;
  g.scale = options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(g.width));
  return apply(Attention<T, B>{g, checked_mask(mask, g)}, x...);
}

}  // namespace detail

namespace function {
struct MaskOf {
  template <class V>
  constexpr V operator()(const V& seen) const {
    return math::select(seen != V(0), V(0), constant<V>(-std::numeric_limits<double>::infinity()));
  }
};
}  // namespace function

/// Converts a boolean mask to a mask to add to scores: 0 where `seen` is not 0, −∞ elsewhere.
template <Real T, class B>
Tensor<T, B> additive_mask(const Tensor<std::uint8_t, B>& seen) {
  Tensor<T, B> mask(seen.shape());
  kernel::map(B{}, function::MaskOf{}, mask, cast<T>(seen));
  return mask;
}

/// Scaled dot-product attention of every head.
///
///     y[n, i, h] = Σ_j softmax_j(scale · q[n, i, h]·k[n, j, h] + mask[n, h, i, j]) v[n, j, h]
///
/// The matrix of scores is never stored: time is O(Lq·Lk·D), memory O((Lq + Lk)·D). The result of a query without
/// visible keys is 0. Differentiable once.
///
/// @param q  (N, Lq, H, D)    @param k, v  (N, Lk, H, D)
/// @param mask  added to the scores, a constant: (Lq, Lk), (N, Lq, Lk) or (N, H, Lq, Lk), where N and H may be 1; or
///              none. `additive_mask` converts a boolean mask.
/// @return   (N, Lq, H, D)
/// @throws   Error  if the shapes do not fit
/// Vaswani et al., 2017; computed as Dao et al., FlashAttention, 2022.
template <Operand Q, Operand K, Operand V>
  requires SameScalarAndBackend<Q, K, V>
auto attention(const Q& q, const K& k, const V& v, const AttentionOptions& options = {},
               const Tensor<typename Q::Scalar, typename Q::Backend>& mask = {}) {
  const Shape &qs = q.shape(), &ks = k.shape();
  require(qs.rank() == 4 && ks.rank() == 4 && v.shape() == ks && ks[0] == qs[0] && ks[2] == qs[2] && ks[3] == qs[3],
          "attention: queries ", qs, ", keys ", ks, ", values ", v.shape(),
          "; need (N, Lq, H, D) and twice (N, Lk, H, D)");
  return detail::attend(options, mask, qs, ks, q, k, v);
}
template <Operand Q, Operand K, Operand V, class... More>
  requires(!SameScalarAndBackend<Q, K, V>)
detail::OperandsDifferInScalarOrBackend attention(const Q&, const K&, const V&, const More&...)
= delete;

/// Attention with keys and values in one tensor, as from one projection.
/// @param q  (N, Lq, H, D)    @param kv  (N, Lk, 2, H, D)
template <Operand Q, Operand K>
auto attention(const Q& q, const K& kv, const AttentionOptions& options = {},
               const Tensor<typename Q::Scalar, typename Q::Backend>& mask = {}) {
  const Shape &qs = q.shape(), &ks = kv.shape();
  require(qs.rank() == 4 && ks.rank() == 5 && ks[2] == 2 && ks[0] == qs[0] && ks[3] == qs[2] && ks[4] == qs[3],
          "attention: queries ", qs, ", keys and values ", ks, "; need (N, Lq, H, D) and (N, Lk, 2, H, D)");
  return detail::attend(options, mask, qs, ks, q, kv);
}

/// Self-attention of a sequence, with queries, keys and values in one tensor.
/// @param qkv  (N, L, 3, H, D)
/// @return  (N, L, H, D)
template <Operand X>
auto self_attention(const X& qkv, const AttentionOptions& options = {},
                    const Tensor<typename X::Scalar, typename X::Backend>& mask = {}) {
  const Shape& shape = qkv.shape();
  require(shape.rank() == 5 && shape[2] == 3, "self_attention: input ", shape, "; needs (N, L, 3, H, D)");
  return detail::attend(options, mask, shape, shape, qkv);
}

FLIPBOOK_RECORDED_1(Attention<float, Cpu>);
FLIPBOOK_RECORDED_3(Attention<float, Cpu>);

}  // namespace flipbook
