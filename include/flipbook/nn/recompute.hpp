// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/autodiff/recompute.hpp>
#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer of which training keeps the input alone: its activations are worked out again when the gradient reaches it
/// (`recompute`). Outputs, gradients, random numbers, changes to buffers and the names of parameters are the layer's,
/// so that files are read with and without. It costs a second forward run of the layer, and saves what the layer keeps
/// but for its input; of N equal blocks, wrapped one by one, a step then keeps N inputs and the activations of one.
///
///     nn::Repeat<12, nn::Recompute<nn::TransformerBlock<256, 8>>>
///
/// What else the layer is called with, such as a condition or a mask, is kept too. Steps of a stepwise layer, and calls
/// with its state, are the layer's own: of these everything is kept.
template <Layer Block>
struct Recompute {
  static_assert(
      !requires { requires Block::recurrent; },
      "Recompute<Cell>: a cell takes one step; Recompute<Recurrent<Cell>> is a layer over sequences");
  static constexpr int in = Block::in, out = Block::out;
  static constexpr int input_dimensions = input_dimensions_of<Block>, dimensions = Block::dimensions;
  static constexpr bool stepwise = requires { requires Block::stepwise; };

  template <Real T, class B>
  struct Instance : Of<Block, T, B> {
    using Inner = Of<Block, T, B>;
    using Inner::Inner;

    template <Value X, class... More>
    auto operator()(const X& x, More&&... more) const {
      const Inner& inner = *this;
      if constexpr ((is_state<X, More>() || ...)) return inner(x, more...);
      else return recompute([&inner](const auto&... arguments) { return inner(arguments...); }, x, more...);
    }

   private:
    /// Whether an argument is what a step moves on.
    template <class X, class Argument>
    static constexpr bool is_state() {
      if constexpr (requires { typename Inner::template State<X>; }) {
        return std::is_same_v<Argument, typename Inner::template State<X>&>;
      } else {
        return false;
      }
    }
  };
};

/// A block of a network that says by an option whether its blocks are recomputed.
template <bool Recomputed, Layer Block>
using RecomputeIf = std::conditional_t<Recomputed, Recompute<Block>, Block>;

}  // namespace flipbook::nn
