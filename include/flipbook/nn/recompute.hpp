// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/autodiff/recompute.hpp>
#include <flipbook/nn/layer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer of which training saves only the input: the backward pass computes its activations again (activation
/// checkpointing, `recompute`). Outputs, gradients, random numbers, updates of buffers and names of parameters are
/// those of the layer, so files can be read with and without Recompute. The price is a second forward pass of the
/// layer. If each of N equal blocks is wrapped, a step stores N inputs and the activations of one block.
///
///     nn::Repeat<12, nn::Recompute<nn::TransformerBlock<256, 8>>>
///
/// Other arguments, such as a condition or a mask, are saved too. Steps of a stepwise layer, and calls with its state,
/// are not recomputed: all their activations are saved.
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
    /// Whether an argument is the state of a stepwise layer.
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

/// The block, wrapped in Recompute if `Recomputed`: for networks that have this as an option.
template <bool Recomputed, Layer Block>
using RecomputeIf = std::conditional_t<Recomputed, Recompute<Block>, Block>;

}  // namespace flipbook::nn
