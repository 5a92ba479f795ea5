// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>

#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::function {

template <bool Momentum, bool Centered, class Rule>
struct RmsPropPass {
  static constexpr int state_count = 1 + Momentum + Centered;
  Rule rule;

  template <class V, class... Rest>
  constexpr void operator()(const V& gradient, V& p, V& square, Rest&... rest) const {
    const V g = gradient + constant<V>(rule.weight_decay) * p;
    square = constant<V>(rule.alpha) * square + constant<V>(1 - rule.alpha) * g * g;
    V variance = square;
    if constexpr (Centered) {
      V& average = std::get<Momentum>(std::tie(rest...));
      average = constant<V>(rule.alpha) * average + constant<V>(1 - rule.alpha) * g;
      variance = square - average * average;
    }
    V step = g / (math::sqrt(variance) + constant<V>(rule.epsilon));
    if constexpr (Momentum) {
      V& buffer = std::get<0>(std::tie(rest...));
      step = buffer = constant<V>(rule.momentum) * buffer + step;
    }
    p -= constant<V>(rule.learning_rate) * step;
  }
};

}  // namespace flipbook::function

namespace flipbook::inline FLIPBOOK_ISA::optim {

/// RMSProp (Hinton's lecture 6e, 2012), as PyTorch's: with weight decay λ, momentum μ and learning rate η,
///
///     g ← g + λ p,   v ← α v + (1 − α) g²,   m ← α m + (1 − α) g where centred, else m = 0,
///     b ← μ b + g / (√(v − m²) + ε),   p ← p − η b
struct RmsProp {
  double learning_rate = 1e-2;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;

  std::vector<const char*> state_names() const {
    std::vector<const char*> names{"square_avg"};
    if (momentum != 0) names.push_back("momentum_buffer");
    if (centered) names.push_back("grad_avg");
    return names;
  }
  void update(Index, const auto& pass) const {
    if (momentum != 0 && centered) return pass(function::RmsPropPass<true, true, RmsProp>{*this});
    if (momentum != 0) return pass(function::RmsPropPass<true, false, RmsProp>{*this});
    if (centered) return pass(function::RmsPropPass<false, true, RmsProp>{*this});
    pass(function::RmsPropPass<false, false, RmsProp>{*this});
  }
};

}  // namespace flipbook::optim
