// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::function {

/// p ← shrink·p − size · m / (√v + ε): both Adams, with one division, as both corrections of bias are in two constants.
struct AdamPass {
  static constexpr int state_count = 2;
  double beta1, beta2;
  double decay;    // λ added to the gradient: Adam
  double shrink;   // of the parameter itself: AdamW
  double size;     // η √(1 − β₂ᵗ) / (1 − β₁ᵗ)
  double epsilon;  // ε √(1 − β₂ᵗ)

  template <class V>
  constexpr void operator()(const V& gradient, V& p, V& m, V& v) const {
    const V g = gradient + constant<V>(decay) * p;
    m = constant<V>(beta1) * m + constant<V>(1 - beta1) * g;
    v = constant<V>(beta2) * v + constant<V>(1 - beta2) * g * g;
    const V step = m / (math::sqrt(v) + constant<V>(epsilon));
    p = constant<V>(shrink) * p - constant<V>(size) * step;
  }
};

}  // namespace flipbook::function

namespace flipbook::inline FLIPBOOK_ISA::optim {

namespace detail {

template <class Rule>
function::AdamPass adam_pass(const Rule& rule, Index step, double decay, double shrink) {
  const double bias = 1 - std::pow(rule.beta1, step), root = std::sqrt(1 - std::pow(rule.beta2, step));
  return {rule.beta1, rule.beta2, decay, shrink, rule.learning_rate * root / bias, rule.epsilon * root};
}

}  // namespace detail

/// Adam (Kingma and Ba, 2015), as PyTorch's: at step t, with learning rate η,
///
///     g ← g + λ p,   m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,
///     p ← p − η · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  std::vector<const char*> state_names() const { return {"exp_avg", "exp_avg_sq"}; }
  void update(Index step, const auto& pass) const { pass(detail::adam_pass(*this, step, weight_decay, 1)); }
};

/// Adam with the weight decay out of the averages: p ← (1 − η λ) p, then Adam's step with λ = 0.
/// Loshchilov and Hutter, 2019; as PyTorch's.
struct AdamW {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;

  std::vector<const char*> state_names() const { return {"exp_avg", "exp_avg_sq"}; }
  void update(Index step, const auto& pass) const {
    pass(detail::adam_pass(*this, step, 0, 1 - learning_rate * weight_decay));
  }
};

}  // namespace flipbook::optim

namespace flipbook::inline FLIPBOOK_ISA {
FLIPBOOK_TEMPLATE(class Optimizer<optim::Adam, float, Cpu>);
}  // namespace flipbook
