// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/optim/optimizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::function {

struct SgdPass {
  static constexpr int state_count = 0;
  double learning_rate, weight_decay;
  template <class V>
  constexpr void operator()(const V& gradient, V& p) const {
    p -= constant<V>(learning_rate) * (gradient + constant<V>(weight_decay) * p);
  }
};
template <bool Nesterov>
struct MomentumPass {
  static constexpr int state_count = 1;
  double learning_rate, weight_decay, momentum;
  template <class V>
  constexpr void operator()(const V& gradient, V& p, V& buffer) const {
    const V g = gradient + constant<V>(weight_decay) * p;
    buffer = constant<V>(momentum) * buffer + g;  // the buffer begins as zero
    p -= constant<V>(learning_rate) * (Nesterov ? V(g + constant<V>(momentum) * buffer) : buffer);
  }
};

}  // namespace flipbook::function

namespace flipbook::inline FLIPBOOK_ISA::optim {

/// Stochastic gradient descent, as PyTorch's SGD: with weight decay λ, momentum μ and learning rate η,
///
///     g ← g + λ p,   b ← μ b + g (b = g in the first step),   p ← p − η b,   or with Nesterov  p − η (g + μ b)
struct Sgd {
  double learning_rate = 1e-2;
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;

  std::vector<const char*> state_names() const {
    return momentum == 0 ? std::vector<const char*>{} : std::vector{"momentum_buffer"};
  }
  void update(Index, const auto& pass) const {
    require(!nesterov || momentum > 0, "Sgd: Nesterov's step needs a momentum");
    if (momentum == 0) return pass(function::SgdPass{learning_rate, weight_decay});
    nesterov ? pass(function::MomentumPass<true>{learning_rate, weight_decay, momentum})
             : pass(function::MomentumPass<false>{learning_rate, weight_decay, momentum});
  }
};

}  // namespace flipbook::optim
