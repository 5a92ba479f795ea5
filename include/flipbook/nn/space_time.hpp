// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/attention.hpp>
#include <flipbook/nn/conditioning.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/per_frame.hpp>
#include <flipbook/nn/recompute.hpp>
#include <flipbook/nn/resample.hpp>
#include <flipbook/nn/residual.hpp>
#include <flipbook/ops/shape/permute.hpp>

/// Factorised attention: within each frame, and along time at each position. T·P tokens then cost O(T·P·(T + P))
/// instead of O(T²·P²). Ma et al., Latte, 2024.
namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Applies a function of sequences (N, T, C) to the sequence at every position of a clip (N, T, …, C), in one call with
/// all positions as one batch: (N, T, …, D).
/// @throws Error  if the clips have fewer than four axes, or f does not return one result per step
template <Value X, class F>
X along_time(const X& clips, const F& f) {
  const Shape& shape = clips.shape();
  require(shape.rank() >= 4, "along_time: needs clips (N, T, …, C), got shape ", shape);
  const Index batch = shape[0], frames = shape[1], places = shape.part(2, shape.rank() - 1).size();
  const X by_place = transpose(reshape(clips, {batch, frames, places, shape.back()}), 1, 2);  // (N, P, T, C)
  const X y = f(reshape(by_place, {batch * places, frames, shape.back()}));                   // (N·P, T, D)
  Shape result = shape;
  result[-1] = y.shape().back();
  return reshape(transpose(reshape(y, {batch, places, frames, result.back()}), 1, 2), result);
}

/// A transformer block over clips (N, T, …, Width) that attends within each frame, then along time, with a condition
/// (N, [T,] Condition) by adaLN-zero:
///
///     x ← x + g₁·space(m₁(x)),   x ← x + g₂·time(m₂(x)),   x ← x + g₃·mlp(m₃(x)),   mᵢ(x) = norm(x)·(1 + sᵢ) + bᵢ
///
/// The gates gᵢ are 0 initially, so the block begins as the identity. `O.causal` applies to attention along time only.
/// Parameters: modulation, space, time, mlp.0, mlp.2. Peebles and Xie, Scalable diffusion models with
/// transformers, 2023.
template <int Width, int Heads, int Condition = Width, TransformerOptions O = TransformerOptions{.causal = Causal::no}>
struct SpaceTimeBlock {
  static constexpr int in = Width, out = Width, dimensions = any, inner = O.expansion * Width;
  static constexpr TransformerOptions within_frame{.causal = Causal::no, .rotary = O.rotary, .bias = O.bias};

  template <Real T, class B>
  struct Instance {
    Of<LayerNorm<Width, NormOptions{.affine = false}>, T, B> norm;
    Of<Modulation<Condition, Width, 9, true>, T, B> modulation;
    Of<MultiHeadAttention<Width, Heads, within_frame>, T, B> space;
    Of<MultiHeadAttention<Width, Heads, O>, T, B> time;
    Of<Sequential<Linear<Width, inner, O.bias>, GELU, Linear<inner, Width, O.bias>>, T, B> mlp;

    explicit Instance(Rng& rng) : modulation(rng), space(rng), time(rng), mlp(rng) {}
    static void fields(auto& self, auto&& field) {
      field("modulation", self.modulation);
      field("space", self.space);
      field("time", self.time);
      field("mlp", self.mlp);
    }
    template <Value X>
    X operator()(const X& x, const X& condition) const {
      const auto m = modulation(condition);
      const auto branch = [&](const X& y, std::size_t i, const auto& f) {
        return y + broadcast_over_positions(m[3 * i + 2], y.shape()) * f(modulate(norm(y), m[3 * i], m[3 * i + 1]));
      };
      const X y = branch(x, 0, [&](const X& z) { return for_each_frame(z, space); });
      const X z = branch(y, 1, [&](const X& w) { return along_time(w, time); });
      return branch(z, 2, mlp);
    }
  };
};

/// Options of a SpaceTimeTransformer.
struct SpaceTimeOptions {
  Extent patch{1, 4, 4};  ///< extents of a token's patch
  int width = 128, blocks = 4, heads = 4;
  int expansion = 4;       ///< hidden width of the MLPs, as a multiple of `width`
  int condition = 0;       ///< size of a condition, such as the number of classes
  bool causal = false;     ///< frames do not attend to later frames
  bool recompute = false;  ///< the blocks save only their inputs (Recompute)
};

/// A transformer over the patches of noisy clips (N, T, H, W, Channels): with noise levels (N) or (N, T), and
/// optionally a condition, → (N, T, H, W, Channels). The output is 0 initially. Positions are rotary, so clips may have
/// any length and extents. Parameters: conditioning, in, blocks, modulation, out.
template <int Channels, SpaceTimeOptions O = SpaceTimeOptions{}>
struct SpaceTimeTransformer {
  static constexpr int in = Channels, out = Channels, dimensions = 3, condition = O.condition;
  static constexpr int pixels = Channels * O.patch.t * O.patch.h * O.patch.w;
  static constexpr TransformerOptions options{
      .causal = O.causal ? Causal::token : Causal::no, .rotary = true, .expansion = O.expansion};
  using Block = RecomputeIf<O.recompute, SpaceTimeBlock<O.width, O.heads, O.width, options>>;

  template <Real T, class B>
  struct Instance {
    Of<Conditioning<O.width, O.condition>, T, B> conditioning;
    Of<Linear<pixels, O.width>, T, B> first;
    Of<Repeat<O.blocks, Block>, T, B> blocks;
    Of<LayerNorm<O.width, NormOptions{.affine = false}>, T, B> norm;
    Of<Modulation<O.width, O.width, 2, true>, T, B> modulation;
    Of<Linear<O.width, pixels>, T, B> last;

    explicit Instance(Rng& rng) : conditioning(rng), first(rng), blocks(rng), modulation(rng), last(rng) {
      init::zero(last);
    }
    static void fields(auto& self, auto&& field) {
      field("conditioning", self.conditioning);
      field("in", self.first);
      field("blocks", self.blocks);
      field("modulation", self.modulation);
      field("out", self.last);
    }
    /// @throws Error  if the patches do not divide the extents, or levels are per frame and patches span several frames
    template <Value X>
    X operator()(const X& x, const X& level, const X& condition = {}) const {
      require(level.rank() < 2 || O.patch.t == 1, "SpaceTimeTransformer: levels ", level.shape(),
              " for each frame, and patches of ", O.patch.t, " frames; needs patches of one frame");
      const X e = conditioning(level, condition);          // (N, [T,] Width)
      const X y = blocks(first(patchify(x, O.patch)), e);  // (N, T/t, H/h, W/w, Width)
      const auto film = modulation(e);
      return unpatchify(last(modulate(norm(y), film[0], film[1])), O.patch);  // (N, T, H, W, Channels)
    }
  };
};

}  // namespace flipbook::nn
