// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>

#include <flipbook/core/fill.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/join.hpp>

/// Classifier-free guidance of models of tokens whose first token is that of a class: Ho and Salimans, Classifier-free
/// diffusion guidance, 2022. In training some sequences begin with the null class instead; in sampling its logits are
/// the unconditional ones.
namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A model with a token of the null class, `null_class`, besides those of classes.
template <class P>
concept HasNullClass = requires {
  { P::null_class } -> std::convertible_to<int>;
};
/// The token of the null class, or −1 if there are no classes.
template <class P>
constexpr int null_class_of() {
  if constexpr (HasNullClass<P> && P::given > 1) return P::null_class;
  else return -1;
}

/// Sequences (N, L) with the first token replaced by `first` (N, 1).
template <class B>
Tensor<std::int32_t, B> begun_with(const Tensor<std::int32_t, B>& first, const Tensor<std::int32_t, B>& tokens) {
  return tokens.extent(1) == 1 ? first : concat(1, first, slice(tokens, 1, 1, tokens.extent(1)));
}

/// Sequences (N, L) whose class is replaced by the null class with probability p.
/// @tparam W  a scalar type that represents tokens exactly
/// @throws Error  if p is not in [0, 1]
template <Real W, class B>
Tensor<std::int32_t, B> classes_dropped(const Tensor<std::int32_t, B>& tokens, int null_class, double p, Rng& rng) {
  require(p >= 0 && p <= 1, "condition_dropout = ", p, "; needs a probability");
  const Tensor<W, B> first = cast<W>(slice(tokens, 1, 0, 1));  // (N, 1)
  const Tensor<W, B> drop = less(uniform<W, B>(first.shape(), rng), p);
  return begun_with(cast<std::int32_t>(masked_fill(first, drop, null_class)), tokens);
}

/// Sequences (N, L), followed by the same with the null class: (2N, L), for one pass over both.
template <class B>
Tensor<std::int32_t, B> and_of_null_class(const Tensor<std::int32_t, B>& tokens, int null_class) {
  const auto null_first = full<std::int32_t, B>({tokens.extent(0), 1}, null_class);  // (N, 1)
  return concat(0, tokens, begun_with(null_first, tokens));
}

/// Guided logits (1 + w)·l − w·l₀ from those of classes and of the null class: (2N, …, K), l followed by l₀, →
/// (N, …, K).
template <Real T, class B>
Tensor<T, B> guided(const Tensor<T, B>& logits, double w) {
  const Index n = logits.extent(0) / 2;
  const Tensor<T, B> with = logits.slice(0, n), without = logits.slice(n, 2 * n);
  return with + (with - without) * w;
}

/// @throws Error  if there is guidance without classes, or it is not finite
inline void require_guidance(const char* of, double w, bool of_classes) {
  require(w == 0 || of_classes, of, ": guidance of ", w, " without classes; needs 0, or a model of several classes");
  require(std::isfinite(w), of, ": guidance of ", w, "; needs a number");
}

}  // namespace flipbook::inline FLIPBOOK_ISA::detail
