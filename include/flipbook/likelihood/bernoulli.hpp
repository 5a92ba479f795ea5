// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/likelihood/likelihood.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace function {

/// x·l − log(1 + eˡ): the log-probability of x under a Bernoulli distribution with logit l.
struct BernoulliLogProb {
  static constexpr bool twice = true;
  template <class V>
  constexpr V value(const V& l, const V& x) const {
    return x * l - math::softplus(l);
  }
  template <int I, class V>
  constexpr auto derivative(const V& l, const V& x) const {
    using math::sigmoid;  // for vectors; argument-dependent lookup finds that of variables
    if constexpr (I == 0) return x - sigmoid(l);
    else return l;
  }
};
struct LessThan {
  template <class V>
  constexpr V operator()(const V& a, const V& b) const {
    return math::select(a < b, V(1), V(0));
  }
};

}  // namespace function

namespace likelihood {

/// Data of 0 and 1 with p = σ(logit): log p(x) = x log p + (1 − x) log(1 − p). Targets between 0 and 1, such as grey
/// levels, give the cross-entropy, as is customary.
struct Bernoulli {
  static constexpr int parameters_per_channel = 1;
  static constexpr bool unit_interval = true;
  template <Real T, class B>
  using Instance = Bernoulli;

  /// @throws Error  if logits and x differ in shape
  template <Value P, Operand X>
  static auto log_prob(const P& logits, const X& x) {
    detail::check_shapes("Bernoulli", logits.shape(), x.shape(), 1);
    return sum_per_sample(fused("Bernoulli", function::BernoulliLogProb{}, logits, x));
  }
  template <Real T, class B>
  static Tensor<T, B> sample(const Tensor<T, B>& logits, Rng& rng) {
    return map(function::LessThan{}, uniform<T, B>(logits.shape(), rng), sigmoid(logits));
  }
  template <Value P>
  static P mean(const P& logits) {
    return sigmoid(logits);
  }
};

}  // namespace likelihood
}  // namespace flipbook

namespace flipbook::inline FLIPBOOK_ISA {
FLIPBOOK_RECORDED_2(Fused<function::BernoulliLogProb>);
}  // namespace flipbook
