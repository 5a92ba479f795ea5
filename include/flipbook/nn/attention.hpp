// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/shape/crop.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// What a token of a sequence may see.
enum class Causal {
  no,     ///< every token
  token,  ///< itself and the tokens before it
  frame,  ///< the tokens of its own step along the first axis, and of the steps before: all patches of a frame at once
  call    ///< with a cache all tokens of its own call and of calls before, of any lengths; without, what a mask says
};

/// How a transformer is made; a template argument, written `TransformerOptions{.causal = Causal::no}`.
struct TransformerOptions {
  Causal causal = Causal::token;
  bool rotary = false;  ///< queries and keys are turned by their positions, along as many axes as there are
  bool bias = true;     ///< of the linear layers
  // Not last: Clang 19 crashes on a template argument that ends in padding.
  bool recompute = false;  ///< the blocks of a Transformer keep their inputs alone (Recompute)
  int expansion = 4;       ///< hidden width of the perceptron, in widths
  double dropout = 0;      ///< of what each half of a block adds
};

/// Keys and values of the tokens so far, (N, L, 2, H, D). Of tensors: in a block that doubles when it is full,
/// so that a step copies its own tokens only. Copies of a cache are independent.
template <Value X>
class KeyValueCache {
 public:
  Index length() const noexcept { return length_; }
  /// (N, at least `length`, 2, H, D)
  const X& all() const { return *stored_; }

  void append(const X& more) {
    if constexpr (is_variable<X>) {
      stored_.emplace(stored_ ? concat(1, *stored_, more) : more);
    } else {
      make_room(more.shape());
      write_block(*stored_, {0, length_, 0, 0, 0}, more);
    }
    length_ += more.shape()[1];
  }

 private:
  void make_room(const Shape& more) {
    const Index needed = length_ + more[1];
    if (stored_ && stored_->unique() && needed <= stored_->extent(1)) return;
    Shape shape = more;
    shape[1] = stored_ && needed <= stored_->extent(1) ? stored_->extent(1) : std::max<Index>(32, 2 * needed);
    X larger(shape);
    if (stored_) {
      shape[1] = length_;
      write_block(larger, Shape::filled(5, 0), *stored_, shape);
    }
    stored_ = std::move(larger);
  }

  std::optional<X> stored_;
  Index length_ = 0;
};

/// Attention of a sequence to itself, by several heads: (N, T, …, Width) → the same; all axes between batch and
/// channels are its tokens, in order. Queries, keys and values are one product. Parameters: qkv, out.
/// Step by step it keeps keys and values in a cache; the sequence must then be causal.
template <int Width, int Heads, TransformerOptions O = TransformerOptions{}>
struct MultiHeadAttention {
  static_assert(Width > 0 && Heads > 0 && Width % Heads == 0,
                "MultiHeadAttention<Width, Heads>: the heads must divide the width");
  static_assert(!O.rotary || Width / Heads % 2 == 0,
                "MultiHeadAttention: rotary positions need an even width of each head");
  static_assert(!O.rotary || O.causal != Causal::call,
                "MultiHeadAttention: calls of different lengths have no rotary positions");
  static constexpr int in = Width, out = Width, dimensions = any;
  static constexpr bool stepwise = true;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    using State = KeyValueCache<X>;

    Of<Linear<Width, 3 * Width, O.bias>, T, B> qkv;
    Of<Linear<Width, Width, O.bias>, T, B> out;

    explicit Instance(Rng& rng) : qkv(rng), out(rng) {}
    static void fields(auto& self, auto&& field) {
      field("qkv", self.qkv);
      field("out", self.out);
    }

    /// @param mask  added to the scores, as `attention` takes it; or none
    /// @param onto  Onto{sum}, which the result is added to; or none
    template <Value X, class... More>
    X operator()(const X& x, const Tensor<T, B>& mask = {}, const More&... onto) const {
      if (O.causal == Causal::call)
        require(static_cast<bool>(mask), "MultiHeadAttention: Causal::call needs a mask or a cache");
      const X heads = projected(x, 0);
      return out(reshape(self_attention(heads, options(x.shape()), mask), x.shape()), onto...);
    }
    template <Value X, class... More>
    X operator()(const X& x, State<X>& cache, const More&... onto) const {
      static_assert(O.causal != Causal::no, "MultiHeadAttention: only a causal one can go step by step");
      const Index a_step = step_tokens(x.shape());
      const auto parts = split(projected(x, cache.length() / a_step), 2, {1, 2});
      cache.append(parts[1]);
      const Shape& shape = parts[0].shape();  // (N, L, 1, H, D)
      auto seen = options(x.shape());
      seen.keys = cache.length();
      const X queries = reshape(parts[0], {shape[0], shape[1], shape[3], shape[4]});
      return out(reshape(attention(queries, cache.all(), seen), x.shape()), onto...);
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
    /// Tokens of one step along the first axis.
    static Index step_tokens(const Shape& shape) {
      return detail::positions_of("MultiHeadAttention", shape).size() / std::max<Index>(1, shape[1]);
    }
    static AttentionOptions options(const Shape& shape) {
      return {.causal = O.causal == Causal::token || O.causal == Causal::frame,
              .block = O.causal == Causal::frame ? std::max<Index>(1, step_tokens(shape)) : 1};
    }
    /// (N, L, 3, H, D), queries and keys turned by their positions from step `first` on.
    template <Value X>
    X projected(const X& x, Index first) const {
      const Shape extents = detail::positions_of("MultiHeadAttention", x.shape());
      const X heads = reshape(qkv(x), {x.shape()[0], extents.size(), 3, Heads, Width / Heads});
      if constexpr (O.rotary) {
        return rotate(heads, position_angles<T, B>(extents, Width / Heads / 2, first), 2 * Heads);
      } else {
        return heads;
      }
    }
  };
};

/// Attention of one sequence to another: x (N, T, …, Width) and context (N, S, …, Context) → (N, T, …, Width).
/// Parameters: q, kv, out.
template <int Width, int Heads, int Context = Width, bool WithBias = true>
struct CrossAttention {
  static_assert(Width > 0 && Heads > 0 && Width % Heads == 0,
                "CrossAttention<Width, Heads>: the heads must divide the width");
  static constexpr int in = Width, out = Width, dimensions = any;

  template <Real T, class B>
  struct Instance {
    Of<Linear<Width, Width, WithBias>, T, B> q;
    Of<Linear<Context, 2 * Width, WithBias>, T, B> kv;
    Of<Linear<Width, Width, WithBias>, T, B> out;

    explicit Instance(Rng& rng) : q(rng), kv(rng), out(rng) {}
    static void fields(auto& self, auto&& field) {
      field("q", self.q);
      field("kv", self.kv);
      field("out", self.out);
    }

    /// @param mask  added to the scores, as `attention` takes it; or none
    template <Value X, Value C>
    auto operator()(const X& x, const C& context, const Tensor<T, B>& mask = {}) const {
      const Index tokens = detail::positions_of("CrossAttention", x.shape()).size();
      const Index seen = detail::positions_of("CrossAttention", context.shape()).size();
      const auto queries = reshape(q(x), {x.shape()[0], tokens, Heads, Width / Heads});
      const auto keys_values = reshape(kv(context), {context.shape()[0], seen, 2, Heads, Width / Heads});
      return out(reshape(attention(queries, keys_values, {}, mask), x.shape()));
    }
  };
};

}  // namespace flipbook::nn
