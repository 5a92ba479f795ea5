// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/likelihood/bernoulli.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/ops/softmax/softmax.hpp>

/// Losses between predictions and targets, averaged over all elements: single numbers, as PyTorch's functions of the
/// same names with their default reduction.
namespace flipbook::inline FLIPBOOK_ISA::loss {

namespace detail {
inline void check_shapes(const char* name, const Shape& x, const Shape& target) {
  require(x == target && x.size() > 0, name, ": prediction ", x, " and target ", target,
          " must be of one shape and not empty");
}
}  // namespace detail

/// E (x − target)²
/// @throws Error  if the shapes differ or are empty
template <Value X, Operand Y>
auto mse(const X& x, const Y& target) {
  detail::check_shapes("mse", x.shape(), target.shape());
  return mean(square(x - target));
}

/// E |x − target|
/// @throws Error  if the shapes differ or are empty
template <Value X, Operand Y>
auto mae(const X& x, const Y& target) {
  detail::check_shapes("mae", x.shape(), target.shape());
  return mean(abs(x - target));
}

/// −E (t log σ(l) + (1 − t) log(1 − σ(l))) for logits l and targets t in [0, 1].
/// @throws Error  if the shapes differ or are empty
template <Value X, Operand Y>
auto binary_cross_entropy_with_logits(const X& logits, const Y& target) {
  detail::check_shapes("binary_cross_entropy_with_logits", logits.shape(), target.shape());
  return -mean(fused("binary_cross_entropy_with_logits", function::BernoulliLogProb{}, logits, target));
}

/// −E log softmax(logits)[target], for classes 0 … K − 1.
/// @param logits  (…, K)      @param target  (…), int32
/// @throws Error  if the shapes do not fit or are empty, or a target is outside 0 … K − 1
template <Value X>
auto cross_entropy(const X& logits, const Tensor<std::int32_t, typename X::Backend>& target) {
  require(target.size() > 0, "cross_entropy: no targets, of shape ", target.shape());
  return -mean(take_along_axis(log_softmax(logits), target));
}

}  // namespace flipbook::loss
