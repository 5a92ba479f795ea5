// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <utility>

#include <flipbook/nn/sequential.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Returns x.
struct Identity {
  static constexpr int in = any, out = any, dimensions = any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return x;
    }
  };
};

namespace detail {
template <class Shortcut, class... Layers>
inline constexpr bool fits_beside = match(Shortcut::in, row_of<Layers...>.ends.in) &&
                                    match(Shortcut::out == any ? row_of<Layers...>.ends.in : Shortcut::out,
                                          row_of<Layers...>.ends.out);
}  // namespace detail

/// The layers agree with each other, and the shortcut has their input and output channels.
template <class Shortcut, class... Layers>
concept BodyAndShortcutAgreeInChannels =
    LayersAgreeInChannelsAndDimensions<Layers...> && detail::fits_beside<Shortcut, Layers...>;

/// The block preserves the number of channels, so that blocks can follow one another.
template <class Block>
concept BlockPreservesChannels = detail::match(Block::out, Block::in);

/// shortcut(x) + body(x), where `Shortcut` maps x to the shape of the body's output, such as a convolution with
/// kernel 1. Parameters are named "body.0.weight", "shortcut.weight". He et al., 2016.
/// @throws Error  if the two shapes differ
template <Layer Shortcut, Layer... Layers>
  requires BodyAndShortcutAgreeInChannels<Shortcut, Layers...>
struct ProjectedResidual {
  using Body = Sequential<Layers...>;
  static constexpr int in = Body::in == any ? Shortcut::in : Body::in;
  static constexpr int out = Body::out == any ? Shortcut::out : Body::out;
  static constexpr int dimensions = Body::dimensions;

  template <Real T, class B>
  struct Instance {
    Of<Body, T, B> body;
    Of<Shortcut, T, B> shortcut;

    explicit Instance(Rng& rng) : body(rng), shortcut(flipbook::detail::make_instance<Of<Shortcut, T, B>>(rng)) {}
    static void fields(auto& self, auto&& field) {
      field("body", self.body);
      field("shortcut", self.shortcut);
    }
    template <Value X>
    X operator()(const X& x) const {
      const X along = shortcut(x);
      if constexpr (Adding<Body> && !std::is_same_v<B, Cpu>) {
        return body(x, Onto{along});
      } else {
        const X y = body(x);
        require(y.shape() == along.shape(), "Residual: the body gives shape ", y.shape(), ", the shortcut ",
                along.shape());
        return along + y;
      }
    }
  };
};

/// x + body(x), where the body preserves the shape.
template <Layer... Layers>
  requires BodyAndShortcutAgreeInChannels<Identity, Layers...>
using Residual = ProjectedResidual<Identity, Layers...>;

/// A learned factor for each channel, initially `Start`. At the end of a residual's body it starts a deep network near
/// the identity. Touvron et al., Going deeper with image transformers, 2021.
template <int Channels, double Start = 1e-2>
struct LayerScale {
  static_assert(Channels > 0, "LayerScale<Channels>: must be positive");
  static constexpr int in = Channels, out = Channels, dimensions = any;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight{full<T, B>({Channels}, static_cast<T>(Start))};  // (C)

    static void fields(auto& self, auto&& field) { field("weight", self.weight); }
    template <Value X>
    X operator()(const X& x) const {
      return x * lift_like(x, weight);
    }
  };
};

/// `Count` blocks of one type in sequence, each with its own parameters: "0.…", "1.…". Other arguments, such as a mask,
/// are passed to every block.
template <int Count, Layer Block>
  requires BlockPreservesChannels<Block>
struct Repeat {
  static_assert(Count > 0, "Repeat<Count, Block>: needs at least one block");
  static constexpr int in = Block::in, out = Block::out, dimensions = Block::dimensions;

  template <Real T, class B>
  struct Instance {
    std::array<Of<Block, T, B>, static_cast<std::size_t>(Count)> blocks;

    explicit Instance(Rng& rng) : Instance(rng, std::make_index_sequence<static_cast<std::size_t>(Count)>{}) {}
    static void fields(auto& self, auto&& field) {
      for (std::size_t i = 0; i < self.blocks.size(); ++i) field(std::to_string(i), self.blocks[i]);
    }
    template <Value X, class... More>
    X operator()(const X& x, const More&... more) const {
      X y = x;
      for (const auto& block : blocks) y = detail::run_layer(block, y, more...);
      return y;
    }

   private:
    template <std::size_t... I>
    Instance(Rng& rng, std::index_sequence<I...>)
        : blocks{(static_cast<void>(I), flipbook::detail::make_instance<Of<Block, T, B>>(rng))...} {}
  };
};

}  // namespace flipbook::nn
