// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/position.hpp>
#include <flipbook/ops/attention/attention.hpp>
#include <flipbook/ops/shape/crop.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Which tokens a token attends to.
enum class Causal {
  no,     ///< every token
  token,  ///< itself and earlier tokens
  frame,  ///< tokens of its own and earlier steps along the first axis, such as all patches of a frame at once
  call    ///< with a cache: tokens of its own and earlier calls, of any lengths; without: those that a mask allows
};

/// Options of a transformer; a template argument, written `TransformerOptions{.causal = Causal::no}`.
struct TransformerOptions {
  Causal causal = Causal::token;
  bool rotary = false;  ///< queries and keys are rotated by their positions along every axis (RoPE)
  bool bias = true;     ///< of all linear layers
  // Not last: Clang 19 crashes on a template argument that ends in padding.
  bool recompute = false;  ///< the blocks of a Transformer save only their inputs (Recompute)
  int expansion = 4;       ///< hidden width of the MLP, as a multiple of the width
  double dropout = 0;      ///< probability, for the output of each half of a block
};

/// Keys and values of the tokens so far, (N, L, 2, H, D). Tensors are stored in a buffer that doubles when it is full,
/// so that a step copies only its own tokens. Copies of a cache are independent.
template <Value X>
class KeyValueCache {
 public:
  Index length() const noexcept { return length_; }
  /// The stored keys and values, (N, at least `length`, 2, H, D).
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

/// Multi-head self-attention: (N, T, …, Width) → the same; all axes between batch and channels are tokens, in order.
/// One product computes queries, keys and values. Parameters: qkv, out.
/// Stepwise calls store keys and values in a cache, for causal sequences only.
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

    /// @param mask  added to the scores, as in `attention`; or none
    /// @param onto  Onto{sum}, to which the result is added; or none
    /// @throws Error  if x has fewer than three axes, the mask does not fit, or Causal::call has none
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
    /// Number of tokens in one step along the first axis.
    static Index step_tokens(const Shape& shape) {
      return detail::positions_of("MultiHeadAttention", shape).size() / std::max<Index>(1, shape[1]);
    }
    static AttentionOptions options(const Shape& shape) {
      return {.causal = O.causal == Causal::token || O.causal == Causal::frame,
              .block = O.causal == Causal::frame ? std::max<Index>(1, step_tokens(shape)) : 1};
    }
    /// Queries, keys and values, (N, L, 3, H, D). If `O.rotary`, queries and keys are rotated by positions from step
    /// `first` on.
    template <Value X>
    X projected(const X& x, Index first) const {
      const Shape extents = detail::positions_of("MultiHeadAttention", x.shape());
      const X heads = reshape(qkv(x), {x.shape()[0], extents.size(), 3, Heads, Width / Heads});
      if constexpr (O.rotary) {
        return apply_rotary(heads, position_angles<T, B>(extents, Width / Heads / 2, first), 2 * Heads);
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

    /// @param mask  added to the scores, as in `attention`; or none
    /// @throws Error  if x or the context has fewer than three axes, or a shape does not fit
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
