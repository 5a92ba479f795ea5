// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include <flipbook/models/tokens/token_network.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/quantizer/scales.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// A transformer over tokens of several scales that predicts all positions of a scale at once from all coarser scales:
/// a position attends to its own scale and to coarser ones. It is the network of `NextScale`. The input at the
/// positions of scale k is the sum of embeddings of position and scale, and of
///
///     downₖ(Σ_{j<k} upⱼ(the embedded tokens of scale j)),      or for the first scale the embedded given token
///
/// with `down` and `up` of Scales. Tian et al., Visual autoregressive modeling, 2024, with the quantizer's vectors in
/// place of the embedded tokens. Parameters: those of TokenNetwork, and scale.
///
/// @tparam S      the scales, quantizer::Scales<…>
/// @tparam Given  number of further tokens, Tokens … Tokens + Given − 1, that are given but never predicted: a start
///                token, or one for each class, followed by that of the null class
template <int Tokens, quantizer::ScaleList S, int Width = 256, int Layers = 4, int Heads = 8, int Given = 0>
struct ScaleTransformer {
  static constexpr int tokens = Tokens, given = Given, context = S::length;
  static constexpr int null_class = Tokens + Given;  ///< if there are classes
  static constexpr nn::TransformerOptions options{.causal = nn::Causal::call};
  using ScalesOf = S;
  using Network = TokenNetwork<Tokens + Given + (Given > 1), Tokens, Width, Layers, Heads, S::length, options>;

  template <Real T, class B>
  struct Instance : Of<Network, T, B> {
    using Base = Of<Network, T, B>;
    using Indices = Tensor<std::int32_t, B>;  // (N, L)

    /// The state after the scales so far.
    struct State {
      int scale = 0;     ///< the next scale
      Tensor<T, B> sum;  ///< of the embedded tokens so far: (N, T, H, W, Width)
      Index places = 0;  ///< positions of the scales so far
      typename decltype(Base::blocks)::template State<Tensor<T, B>> caches{};
    };

    Of<nn::Embedding<S::count, Width>, T, B> scale;

    explicit Instance(Rng& rng) : Base(rng), scale(rng) {}
    static void fields(auto& self, auto&& field) {
      Base::fields(self, field);
      field("scale", self.scale);
    }

    /// The logits of all positions of the coarsest scales, from the tokens of these scales after a given one:
    /// (N, 1 + L) → (N, L, Tokens). Tokens of the last of these scales are not read.
    /// @throws Error  if the tokens are not those of whole scales, or one is not in the vocabulary
    Tensor<T, B> operator()(const Indices& tokens) const { return logits(this->embed(read(tokens))); }
    Variable<T, B> operator()(Tape& tape, const Indices& tokens) const {
      return logits(this->embed(tape, read(tokens)));
    }
    /// The same for tokens that are known to be in the vocabulary: they are not checked on the host, so a device can
    /// capture the step.
    Variable<T, B> of_known(Tape& tape, const Indices& tokens) const {
      return logits(apply(GatherRows<B>{read(tokens)}, tape.lift(this->embed.weight)));
    }

    /// The logits of the next scale, (N, l, Tokens), after the tokens of the previous scale, or the given token (N, 1).
    /// Keys and values of earlier scales are cached, so only the positions of the next scale are computed.
    /// @throws Error  if there is no further scale, or the tokens are not those of the previous scale
    Tensor<T, B> next(const Indices& tokens, State& state) const {
      require(state.scale < S::count && tokens.rank() == 2 && tokens.extent(1) == places_before(state.scale),
              "ScaleTransformer: tokens ", tokens.shape(), " before scale ", state.scale, " of ", S::count);
      const auto x = input(state.scale++, this->embed(tokens), state.sum);  // (N, l, Width)
      return this->head(this->norm(this->blocks(this->position(x, state.places), state.caches)));
    }

   private:
    static constexpr int places_before(int scale) { return scale == 0 ? 1 : S::places(scale - 1); }
    /// The tokens that the logits depend on.
    static Indices read(const Indices& tokens) {
      const int scales = tokens.rank() == 2 ? S::with_places(tokens.extent(1) - 1) : -1;
      require(scales > 0, "ScaleTransformer: needs (N, 1 + L) tokens of whole scales, at most ", 1 + S::length,
              ", got ", tokens.shape());
      return slice(tokens, 1, 0, 1 + S::places_of_first(scales - 1));
    }
    /// The input at the positions of a scale, (N, l, Width), without embeddings of position. Adds the embedded tokens
    /// of the previous scale, (N, l', Width), to the sum of all earlier ones.
    template <Value X>
    X input(int k, const X& embedded, X& sum) const {
      const Index n = embedded.extent(0);
      const X own = slice(lift_like(embedded, scale.weight), 0, k, k + 1);  // (1, Width)
      if (k == 0) return upsample_nearest(embedded, Extent(S::places(0))) + own;
      const Extent& before = S::at(k - 1);
      const X here = S::up(reshape(embedded, {n, before.t, before.h, before.w, Width}), k - 1);  // (N, T, H, W, Width)
      sum = k == 1 ? here : sum + here;
      return reshape(S::down(sum, k), {n, S::places(k), Width}) + own;
    }
    template <Value X>
    X logits(const X& embedded) const {  // (N, 1 + L', Width), of all scales but the last
      List<Index> extents;
      for (int k = 0; k < S::count && (k == 0 || S::places_of_first(k) < embedded.extent(1)); ++k) {
        extents.push_back(places_before(k));
      }
      const auto parts = apply_list(Split{1, false, extents}, list_of(embedded));
      X sum{};
      List<X> inputs;
      for (const X& part : parts) inputs.push_back(input(static_cast<int>(inputs.size()), part, sum));
      const X x = this->position(concat(1, inputs));  // (N, L, Width)
      return this->head(this->norm(this->blocks(x, mask(static_cast<int>(inputs.size())))));
    }
    /// The attention mask: 0, or −∞ for a key of a finer scale than the query's: (L, L).
    static Tensor<T, B> mask(int scales) {
      List<Tensor<T, B>> each;
      for (int k = 0; k < scales; ++k) each.push_back(full<T, B>({S::places(k)}, static_cast<T>(k)));
      const auto of = concat(0, each);  // (L)
      return masked_fill(zeros<T, B>({of.size(), of.size()}), less(of.reshape({of.size(), 1}), of),
                         -std::numeric_limits<double>::infinity());
    }
  };
};

}  // namespace flipbook
