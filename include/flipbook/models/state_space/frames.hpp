// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include <flipbook/autodiff/list.hpp>
#include <flipbook/nn/activation.hpp>
#include <flipbook/nn/conv.hpp>
#include <flipbook/nn/linear.hpp>
#include <flipbook/nn/norm.hpp>
#include <flipbook/nn/sequential.hpp>
#include <flipbook/nn/shape.hpp>
#include <flipbook/ops/shape/join.hpp>

/// Encoders and decoders of the frames of state-space models.
namespace flipbook::inline FLIPBOOK_ISA::state_space {

/// The output of a SkipEncoder: the code (M, E), and the feature maps of all blocks but the last, (M, H, W, C) each.
template <Value X>
struct Encoded {
  X code;
  List<X> skips;
};

namespace detail {

inline constexpr Window half{.kernel = 4, .stride = 2, .padding = 1};  // halves or doubles an extent

/// The number of halvings from Size × Size to 4 × 4 pixels.
template <int Size>
constexpr std::size_t halvings() {
  static_assert(Size >= 8 && (Size & (Size - 1)) == 0, "frames of state-space models: needs 8, 16, 32, 64, … pixels");
  std::size_t count = 0;
  for (int size = Size; size > 4; size /= 2) ++count;
  return count;
}

}  // namespace detail

/// Blocks in sequence whose feature maps a SkipDecoder reads too: frames (M, H, W, C) → Encoded.
template <nn::Layer... Blocks>
  requires nn::LayersAgreeInChannelsAndDimensions<Blocks...>
struct SkipEncoder {
  using Whole = nn::Sequential<Blocks...>;
  static constexpr int in = Whole::in, out = Whole::out, input_dimensions = Whole::input_dimensions, dimensions = 0;
  static constexpr bool gives_skips = true;

  template <Real T, class B>
  struct Instance : flipbook::detail::LayersOf<T, B, Blocks...> {
    using Base = flipbook::detail::LayersOf<T, B, Blocks...>;
    using Base::Base;

    template <Value X>
    Encoded<X> operator()(const X& frames) const {
      List<X> maps;
      const auto run = [&](const auto& block) { maps.push_back(block(maps.empty() ? frames : maps.back())); };
      this->apply([&](const auto&... block) { (run(block), ...); });
      const X code = reshape(maps.back(), {frames.extent(0), -1});  // (M, E)
      maps.pop_back();
      return {code, maps};
    }
  };
};

/// The decoder of a SkipEncoder's output: (M, F) → (M, H, W, D). Each block but the first reads the previous block's
/// output, concatenated with the SkipEncoder's feature map of the same extents, the last map first.
template <nn::Layer First, nn::Layer... Blocks>
struct SkipDecoder {
  static constexpr int in = First::in, out = std::tuple_element_t<sizeof...(Blocks) - 1, std::tuple<Blocks...>>::out;
  static constexpr int input_dimensions = 0, dimensions = 2;

  template <Real T, class B>
  struct Instance : flipbook::detail::LayersOf<T, B, First, Blocks...> {
    using Base = flipbook::detail::LayersOf<T, B, First, Blocks...>;
    using Base::Base;

    /// @throws Error  if there is not one map for each block after the first
    template <Value X>
    X operator()(const X& features, const List<X>& skips) const {
      require(skips.size() == sizeof...(Blocks), "SkipDecoder: ", sizeof...(Blocks),
              " blocks take a map of the encoder", " each; got ", skips.size());
      auto skip = skips.rbegin();
      const auto run = [&](const auto& first, const auto&... block) {
        X y = first(features);
        ((y = block(concat(-1, y, *skip++))), ...);
        return y;
      };
      return this->apply(run);
    }
  };
};

namespace detail {

template <int In, int Out>
using Down = nn::Sequential<nn::Conv2d<In, Out, half>, nn::RMSNorm<Out>, nn::SiLU>;
template <int In, int Out>
using Up = nn::Sequential<nn::ConvTranspose2d<In, Out, half>, nn::RMSNorm<Out>, nn::SiLU>;

template <int C, int W, int Code, std::size_t... I>
auto encoder(std::index_sequence<I...>) -> nn::Sequential<Down<I == 0 ? C : (W << I) / 2, (W << I)>..., nn::Flatten,
                                                          nn::Linear<16 * (W << (sizeof...(I) - 1)), Code>, nn::SiLU>;
template <int Features, int W, int D, std::size_t... I>
auto decoder(std::index_sequence<I...>)
    -> nn::Sequential<nn::Linear<Features, 16 * (W << sizeof...(I))>, nn::Unflatten<4, 4, (W << sizeof...(I))>,
                      Up<(W << (sizeof...(I) - I)), (W << (sizeof...(I) - I)) / 2>..., nn::ConvTranspose2d<W, D, half>>;

}  // namespace detail

/// Frames (M, Size, Size, C) → codes (M, Code); W is the width of the first layer, doubled by each further layer.
template <int Size, int C, int W, int Code>
using FrameEncoder = decltype(detail::encoder<C, W, Code>(std::make_index_sequence<detail::halvings<Size>()>{}));
/// The decoder of frames: features (M, Features) → (M, Size, Size, D).
template <int Size, int Features, int W, int D>
using FrameDecoder =
    decltype(detail::decoder<Features, W, D>(std::make_index_sequence<detail::halvings<Size>() - 1>{}));

}  // namespace flipbook::state_space
