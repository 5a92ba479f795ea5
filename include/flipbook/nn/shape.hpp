// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// Merges all axes but the first: (N, …) → (N, D), positions outermost, channels innermost.
/// @throws Error  if the input has no axes
struct Flatten {
  static constexpr int in = any, out = unknown, input_dimensions = any, dimensions = 0;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      require(x.shape().rank() > 0, "Flatten: a single number has no first axis");
      return reshape(x, {x.shape()[0], x.shape().part(1, x.shape().rank()).size()});
    }
  };
};

/// Splits the last axis into several: (…, D) → (…, Extents). Unflatten<4, 4, 512> makes an image of 512 channels from a
/// vector of 8192 numbers, Unflatten<4, 8, 8, 64> a clip from a vector of 16384.
/// @throws Error  if the last extent is not the product of Extents
template <int... Extents>
struct Unflatten {
  static_assert(sizeof...(Extents) > 0 && ((Extents > 0) && ...), "Unflatten<Extents...>: must be positive");
  static constexpr int in = (Extents * ...), out = std::array<int, sizeof...(Extents)>{Extents...}.back();
  static constexpr int input_dimensions = any, dimensions = static_cast<int>(sizeof...(Extents)) - 1;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      require(x.shape().rank() > 0 && x.shape()[-1] == in, "Unflatten: needs ", in, " channels, got shape ", x.shape());
      return reshape(x, x.shape().with_tail(1, {Extents...}));
    }
  };
};

}  // namespace flipbook::nn
