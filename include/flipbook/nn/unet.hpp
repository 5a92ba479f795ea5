// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/space_time.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// The axes along which the positions of a U-Net's level attend to each other.
enum class Attend {
  nothing,
  space,      ///< within each frame
  time,       ///< along time at each position; clips only
  space_time  ///< within each frame, then along time
};

/// Options of a UNet. Each level has half the height and width of the level above; the first width of 0 ends the list.
struct UNetOptions {
  std::array<int, 4> widths{32, 64};  ///< channels of each level
  std::array<Attend, 4> attention{};  ///< of each level, after each of its residual blocks
  int blocks = 1;                     ///< residual blocks of a level in the encoder, and in the decoder
  Extent kernel = 3;                  ///< of the blocks' convolutions, odd
  Extent patch = 1;                   ///< pixels that are folded into channels before the first convolution
  int groups = 8;                     ///< of the normalisations; divides the widths
  int heads = 4;                      ///< of the attention; divides the widths
  int level = 64;                     ///< width of the embedding of noise level and condition
  int condition = 0;                  ///< size of a condition, such as the number of classes
  bool recompute = false;             ///< the blocks save only their inputs (Recompute)

  constexpr int levels() const {
    int count = 0;
    while (count < 4 && widths[static_cast<std::size_t>(count)] > 0) ++count;
    return count;
  }
};

namespace detail {

/// Applies f to each frame of a clip, or to an image.
template <int Dimensions, Value X, class F>
X within_frames(const X& x, const F& f) {
  if constexpr (Dimensions == 3) return for_each_frame(x, f);
  else return f(x);
}

constexpr Window same_extents(const Extent& kernel) {
  return {.kernel = kernel, .padding = {kernel.t / 2, kernel.h / 2, kernel.w / 2}};
}
inline constexpr Window half_height_and_width{.kernel = {1, 4, 4}, .stride = {1, 2, 2}, .padding = {0, 1, 1}};

}  // namespace detail

/// A residual block on images (N, H, W, In) or clips (N, T, H, W, In) → (…, Out), conditioned by FiLM on
/// (N, [T,] O.level):
///
///     y = shortcut(x) + conv₂(SiLU(norm₂(conv₁(SiLU(norm₁(x))))·(1 + scale) + shift))
///
/// Groups of channels are normalised within each frame. The shortcut is a convolution with kernel 1 if the channels
/// differ. Parameters: norm1, conv1, modulation, conv2, shortcut. Ho et al., 2020; Dhariwal and Nichol, 2021.
template <int Dimensions, int In, int Out, UNetOptions O>
struct ModulatedResidual {
  static constexpr int in = In, out = Out, dimensions = Dimensions;
  static constexpr Window window = detail::same_extents(O.kernel);

  template <Real T, class B>
  struct Instance {
    Of<GroupNorm<O.groups, In>, T, B> norm1;
    Of<Conv<Dimensions, In, Out, window>, T, B> conv1;
    Of<Modulation<O.level, Out>, T, B> modulation;
    Of<GroupNorm<O.groups, Out, NormOptions{.affine = false}>, T, B> norm2;
    Of<Conv<Dimensions, Out, Out, window>, T, B> conv2;
    Of<std::conditional_t<In == Out, Identity, Linear<In, Out>>, T, B> shortcut;

    explicit Instance(Rng& rng)
        : conv1(rng), modulation(rng), conv2(rng), shortcut(flipbook::detail::make_instance<decltype(shortcut)>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("norm1", self.norm1);
      field("conv1", self.conv1);
      field("modulation", self.modulation);
      field("conv2", self.conv2);
      field("shortcut", self.shortcut);
    }
    template <Value X>
    X operator()(const X& x, const X& condition) const {
      const auto film = modulation(condition);
      const X h = conv1(detail::within_frames<Dimensions>(x, [&](const X& f) { return norm1(f, Epilogue{SiLU::f}); }));
      const X told = modulate(detail::within_frames<Dimensions>(h, norm2), film[0], film[1]);
      return shortcut(x) + conv2(silu(told));
    }
  };
};

/// x + attention(norm(x)), along the axes of `A`, of images (N, H, W, Width) or clips (N, T, H, W, Width). Positions
/// are rotary. Parameters: norm1, space, norm2, time.
template <int Dimensions, int Width, int Heads, Attend A>
struct ResidualAttention {
  static_assert(Dimensions == 3 || A == Attend::nothing || A == Attend::space,
                "ResidualAttention: images have no time to attend along");
  static constexpr int in = Width, out = Width, dimensions = Dimensions;
  using Attention = MultiHeadAttention<Width, Heads, TransformerOptions{.causal = Causal::no, .rotary = true}>;

  template <Real T, class B>
  struct Instance {
    static constexpr bool of_space = A == Attend::space || A == Attend::space_time,
                          of_time = A == Attend::time || A == Attend::space_time;
    template <bool There, class Layer>
    using If = std::conditional_t<There, Of<Layer, T, B>, None>;

    If<of_space, LayerNorm<Width>> norm1;
    If<of_space, Attention> space;
    If<of_time, LayerNorm<Width>> norm2;
    If<of_time, Attention> time;

    explicit Instance(Rng& rng)
        : space(flipbook::detail::make_instance<decltype(space)>(rng)),
          time(flipbook::detail::make_instance<decltype(time)>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("norm1", self.norm1);
      field("space", self.space);
      field("norm2", self.norm2);
      field("time", self.time);
    }
    template <Value X>
    X operator()(const X& x) const {
      X y = x;
      if constexpr (of_space) y = y + detail::within_frames<Dimensions>(norm1(y), space);
      if constexpr (of_time) y = y + along_time(norm2(y), time);
      return y;
    }
  };
};

namespace detail {

/// A residual block followed by attention.
template <int Dimensions, int In, int Out, Attend A, UNetOptions O>
struct UNetBlock {
  static constexpr int in = In, out = Out, dimensions = Dimensions;

  template <Real T, class B>
  struct Instance {
    Of<ModulatedResidual<Dimensions, In, Out, O>, T, B> residual;
    Of<ResidualAttention<Dimensions, Out, O.heads, A>, T, B> attention;

    explicit Instance(Rng& rng) : residual(rng), attention(rng) {}
    static void fields(auto& self, auto&& field) {
      field("residual", self.residual);
      field("attention", self.attention);
    }
    template <Value X>
    X operator()(const X& x, const X& condition) const {
      return attention(residual(x, condition));
    }
  };
};

/// The encoder and decoder blocks of level I, and the convolutions to and from the level below, if any.
template <int Dimensions, int I, UNetOptions O>
struct UNetLevel {
  static constexpr auto at = static_cast<std::size_t>(I), next = std::min<std::size_t>(at + 1, 3);
  static constexpr int width = O.widths[at];
  static constexpr bool lowest = I + 1 == O.levels();
  static constexpr int below = lowest ? width : O.widths[next];
  static constexpr Attend attend = O.attention[at];

  template <Real T, class B>
  struct Instance {
    template <int In>
    using Blocks = std::array<Of<RecomputeIf<O.recompute, UNetBlock<Dimensions, In, width, attend, O>>, T, B>,
                              static_cast<std::size_t>(O.blocks)>;
    template <class Layer>
    using UnlessLowest = std::conditional_t<lowest, None, Of<Layer, T, B>>;

    Blocks<width> down;
    UnlessLowest<Conv<Dimensions, width, below, half_height_and_width>> to_below;
    UnlessLowest<ConvTranspose<Dimensions, below, width, half_height_and_width>> from_below;
    Blocks<2 * width> up;

    explicit Instance(Rng& rng) : Instance(rng, std::make_index_sequence<static_cast<std::size_t>(O.blocks)>{}) {}
    static void fields(auto& self, auto&& field) {
      for (std::size_t i = 0; i < self.down.size(); ++i) field("down." + std::to_string(i), self.down[i]);
      field("to_below", self.to_below);
      field("from_below", self.from_below);
      for (std::size_t i = 0; i < self.up.size(); ++i) field("up." + std::to_string(i), self.up[i]);
    }
    template <Value X>
    X descend(X x, const X& condition, List<X>& skips) const {
      for (const auto& block : down) skips.push_back(x = run_layer(block, x, condition));
      if constexpr (lowest) return x;
      else return to_below(x);
    }
    template <Value X>
    X ascend(X x, const X& condition, List<X>& skips) const {
      if constexpr (!lowest) x = from_below(x);
      for (const auto& block : up) {
        x = run_layer(block, concat(-1, x, skips.back()), condition);
        skips.pop_back();
      }
      return x;
    }

   private:
    template <std::size_t... J>
    Instance(Rng& rng, std::index_sequence<J...>)
        : down{(static_cast<void>(J), typename decltype(down)::value_type(rng))...},
          to_below(flipbook::detail::make_instance<decltype(to_below)>(rng)),
          from_below(flipbook::detail::make_instance<decltype(from_below)>(rng)),
          up{(static_cast<void>(J), typename decltype(up)::value_type(rng))...} {}
  };
};

}  // namespace detail

/// A U-Net over noisy images (N, H, W, Channels) or clips (N, T, H, W, Channels): with noise levels (N), or (N, T) for
/// each frame of clips, and optionally a condition, → the same shape. The output is 0 initially. Each level halves
/// height and width, but not time. The output of each encoder block is concatenated to the input of its counterpart in
/// the decoder. Parameters: conditioning, in, levels, middle, norm, out.
/// Ronneberger et al., 2015; Ho et al., Denoising diffusion probabilistic models, 2020, and Video diffusion
/// models, 2022.
template <int Dimensions, int Channels, UNetOptions O = UNetOptions{}>
struct UNet {
  static_assert(Dimensions == 2 || Dimensions == 3, "UNet<Dimensions, Channels>: of images (2) or clips (3)");
  static_assert(O.levels() > 0 && O.blocks > 0, "UNet: needs at least one level, of at least one block");
  static constexpr int in = Channels, out = Channels, dimensions = Dimensions, condition = O.condition;
  static constexpr int pixels = Channels * detail::volume(O.patch, Dimensions);
  static constexpr int top = O.widths[0], bottom = O.widths[static_cast<std::size_t>(O.levels() - 1)];
  static constexpr Window window = detail::same_extents(O.kernel);
  using Middle = RecomputeIf<O.recompute, detail::UNetBlock<Dimensions, bottom, bottom,
                                                            O.attention[static_cast<std::size_t>(O.levels() - 1)], O>>;

  template <class I>
  struct LevelsOf;
  template <int... I>
  struct LevelsOf<std::integer_sequence<int, I...>> {
    template <class T, class B>
    using Instance = std::tuple<Of<detail::UNetLevel<Dimensions, I, O>, T, B>...>;
    template <class T, class B>
    static Instance<T, B> make(Rng& rng) {
      return Instance<T, B>{Of<detail::UNetLevel<Dimensions, I, O>, T, B>(rng)...};
    }
  };
  using Levels = LevelsOf<std::make_integer_sequence<int, O.levels()>>;

  template <Real T, class B>
  struct Instance {
    Of<Conditioning<O.level, O.condition>, T, B> conditioning;
    Of<Conv<Dimensions, pixels, top, window>, T, B> first;
    typename Levels::template Instance<T, B> levels;
    Of<Middle, T, B> middle;
    Of<GroupNorm<O.groups, top>, T, B> norm;
    Of<Conv<Dimensions, top, pixels, window>, T, B> last;

    explicit Instance(Rng& rng)
        : conditioning(rng), first(rng), levels(Levels::template make<T, B>(rng)), middle(rng), last(rng) {
      init::zero(last);
    }
    static void fields(auto& self, auto&& field) {
      field("conditioning", self.conditioning);
      field("in", self.first);
      std::apply(
          [&](auto&... level) {
            int i = 0;
            (field("levels." + std::to_string(i++), level), ...);
          },
          self.levels);
      field("middle", self.middle);
      field("norm", self.norm);
      field("out", self.last);
    }
    /// @throws Error  if height or width is not divisible by the patch times 2^(levels − 1)
    template <Value X>
    X operator()(const X& x, const X& level, const X& condition = {}) const {
      require_divisible(x.shape());
      const X e = conditioning(level, condition);  // (N, [T,] O.level)
      List<X> skips;
      X y = first(patchify(x, O.patch));  // (N, [T,] H/p, W/p, width)
      std::apply([&](const auto&... each) { ((y = each.descend(y, e, skips)), ...); }, levels);
      y = detail::run_layer(middle, y, e);
      ascend<O.levels() - 1>(y, e, skips);
      y = detail::within_frames<Dimensions>(y, [&](const X& f) { return norm(f, Epilogue{SiLU::f}); });
      return unpatchify(last(y), O.patch);
    }

   private:
    template <int I, Value X>
    void ascend(X& y, const X& e, List<X>& skips) const {
      y = std::get<static_cast<std::size_t>(I)>(levels).ascend(y, e, skips);
      if constexpr (I > 0) ascend<I - 1>(y, e, skips);
    }
    static void require_divisible(const Shape& x) {
      const Index halvings = Index{1} << (O.levels() - 1), h = O.patch.h * halvings, w = O.patch.w * halvings;
      require(x.rank() == Dimensions + 2 && x[-3] % h == 0 && x[-2] % w == 0, "UNet: input ", x, "; needs (N, ",
              Dimensions == 3 ? "T, " : "", "H, W, C), H divisible by ", h, " and W by ", w);
    }
  };
};

}  // namespace flipbook::nn
