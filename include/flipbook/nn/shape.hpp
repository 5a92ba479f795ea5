// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/shape/reshape.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// All axes but the first become one: (N, …) → (N, D), places outermost, channels innermost.
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

/// The last axis becomes several: (…, D) → (…, Extents), so that Unflatten<4, 4, 512> makes an image of
/// 512 channels of each vector of 8192, and Unflatten<4, 8, 8, 64> a clip.
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
