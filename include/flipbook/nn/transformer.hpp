// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <type_traits>

#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/recompute.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/ops/dropout/dropout.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A transformer block with normalisation before each half (pre-norm):
///
///     y = x + attention(norm₁(x)),   z = y + W₂·GELU(W₁·norm₂(y))
///
/// (N, T, …, Width) → the same. Parameters: norm1, qkv, out, norm2, mlp.0, mlp.2.
/// Vaswani et al., 2017; Xiong et al., 2020.
template <int Width, int Heads, TransformerOptions O = TransformerOptions{}>
struct TransformerBlock {
  static constexpr int in = Width, out = Width, dimensions = any;
  static constexpr bool stepwise = true;
  using Attention = MultiHeadAttention<Width, Heads, O>;
  static constexpr int inner = O.expansion * Width;
  using Perceptron = Sequential<Linear<Width, inner, O.bias>, GELU, Linear<inner, Width, O.bias>>;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    using State = KeyValueCache<X>;

    Of<LayerNorm<Width>, T, B> norm1, norm2;
    Of<Attention, T, B> attention;
    Of<Perceptron, T, B> mlp;

    explicit Instance(Rng& rng) : attention(rng), mlp(rng) {}
    static void fields(auto& self, auto&& field) {
      field("norm1", self.norm1);
      Of<Attention, T, B>::fields(self.attention, field);
      field("norm2", self.norm2);
      field("mlp", self.mlp);
    }

    /// @param mask  added to the scores, as in `attention`; or none
    template <Value X>
    X operator()(const X& x, const Tensor<T, B>& mask = {}) const {
      return block(x, [&](const X& normed, const auto&... onto) { return attention(normed, mask, onto...); });
    }
    template <Value X>
    X operator()(const X& x, State<X>& cache) const {
      return block(x, [&](const X& normed, const auto&... onto) { return attention(normed, cache, onto...); });
    }
    template <Value X>
    State<X> start(const X&) const {
      return {};
    }
    template <Value X>
    X step(const X& frame, State<X>& cache) const {
      return detail::step_as_sequence(*this, frame, cache);
    }

   private:
    template <Value X, class Attend>
    X block(const X& x, const Attend& attend) const {
      constexpr double rate = O.dropout;                     // Clang 19 crashes on O.dropout as an argument
      if constexpr (rate == 0 && !std::is_same_v<B, Cpu>) {  // saves two launches
        const X y = attend(norm1(x), Onto{x});
        return mlp(norm2(y), Onto{y});
      } else {
        const X y = x + dropout(attend(norm1(x)), rate);
        return y + dropout(mlp(norm2(y)), rate);
      }
    }
  };
};

/// `Count` blocks one after another, "0.norm1.weight" and so on: (N, T, …, Width) → the same, whole or step by step. A
/// causal model of clips of 8 × 8 patches that attends to all patches of the frames so far:
///
///     constexpr TransformerOptions by_frame{.causal = Causal::frame};
///     Stack<Linear<48, 64>, LearnedPosition<64, 20, 8, 8>, Transformer<4, 64, 8, by_frame>,
///           LayerNorm<64>, Linear<64, 48>>
template <int Count, int Width, int Heads, TransformerOptions O = TransformerOptions{}>
struct Transformer {
  using Blocks = Repeat<Count, RecomputeIf<O.recompute, TransformerBlock<Width, Heads, O>>>;
  static constexpr int in = Width, out = Width, dimensions = any;
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance : Of<Blocks, T, B> {
    template <Value X>
    using State = std::array<KeyValueCache<X>, static_cast<std::size_t>(Count)>;
    using Of<Blocks, T, B>::operator();

    explicit Instance(Rng& rng) : Of<Blocks, T, B>(rng) {}

    template <Value X>
    X operator()(const X& x, State<X>& caches) const {
      X y = x;
      for (std::size_t i = 0; i < caches.size(); ++i) y = this->blocks[i](y, caches[i]);
      return y;
    }
    template <Value X>
    State<X> start(const X&) const {
      return {};
    }
    template <Value X>
    X step(const X& frame, State<X>& caches) const {
      return detail::step_as_sequence(*this, frame, caches);
    }
  };
};

}  // namespace flipbook::nn
