// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/conv/conv.hpp>
#include <flipbook/ops/elementwise/biased.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

using flipbook::Window;  // so that `using namespace flipbook::nn` suffices to write a network

namespace detail {

/// (K…, channels, filters), with the last `Dimensions` extents of the kernel.
template <int Dimensions>
Shape kernel_shape(const Window& window, Index channels, Index filters) {
  Shape shape;
  for (int axis = 3 - Dimensions; axis < 3; ++axis) shape.push_back(window.kernel[axis]);
  shape.push_back(channels);
  shape.push_back(filters);
  return shape;
}

/// A layer with a weight (K…, Channels, Filters) and optionally a bias (Out), initialised as in PyTorch, that applies
/// Function: a convolution or its adjoint.
template <class Function, int Dimensions, int In, int Out, int Channels, int Filters, Window W, WeightLayout layout>
struct Convolving {
  static constexpr int in = In, out = Out, dimensions = Dimensions;
  static constexpr bool adds_bias = W.bias;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight;                                  // (K…, Channels, Filters)
    std::conditional_t<W.bias, Parameter<T, B>, None> bias;  // (Out)

    explicit Instance(Rng& rng) {
      const Shape shape = kernel_shape<Dimensions>(W, Channels, Filters);
      const Index fan_in = shape.size() / Filters;
      weight = {init::fan_in<T, B>(shape, fan_in, rng), layout};
      if constexpr (W.bias) bias = {init::fan_in<T, B>({Out}, fan_in, rng)};
    }
    static void fields(auto& self, auto&& field) {
      field("weight", self.weight);
      field("bias", self.bias);
    }
    template <Value X>
    X operator()(const X& x) const {
      return Function::of(x, weight, bias);
    }
    /// f of the result, computed in the pass that adds the bias.
    template <Value X, class F>
    X operator()(const X& x, const Epilogue<F>& after) const {
      return biased(after.f, Function::of(x, weight, None{}), bias);
    }
  };
};

}  // namespace detail

/// Convolution over the last `Dimensions` axes before the channels: (N, …, In) → (N, …, Out), with a weight
/// (K…, In / groups, Out).
template <int Dimensions, int In, int Out, Window W>
struct Conv : detail::Convolving<Conv<Dimensions, In, Out, W>, Dimensions, In, Out, In / W.groups, Out, W,
                                 WeightLayout::convolution> {
  static_assert(In > 0 && Out > 0, "Conv<In, Out, Window>: both channel counts must be positive");
  static_assert(In % W.groups == 0 && Out % W.groups == 0, "Conv: groups must divide both channel counts");
  static auto of(const auto& x, const auto& weight, const auto& bias) {
    return conv<(W.groups > 1)>(x, weight, bias, W);
  }
};

/// Transposed convolution: (N, …, In) → (N, …, Out), the adjoint of a convolution from Out to In channels, with its
/// weight (K…, Out / groups, In).
template <int Dimensions, int In, int Out, Window W>
struct ConvTranspose : detail::Convolving<ConvTranspose<Dimensions, In, Out, W>, Dimensions, In, Out, Out / W.groups,
                                          In, W, WeightLayout::transposed_convolution> {
  static_assert(In > 0 && Out > 0, "ConvTranspose<In, Out, Window>: both channel counts must be positive");
  static_assert(In % W.groups == 0 && Out % W.groups == 0, "ConvTranspose: groups must divide both channel counts");
  static auto of(const auto& x, const auto& weight, const auto& bias) {
    return conv_transpose<(W.groups > 1)>(x, weight, bias, W);
  }
};

// Distinct types, not aliases: nvcc 13 loses a window that an alias passes on.
/// Convolution in one dimension: (N, W, In) → (N, W', Out).
template <int In, int Out, Window W>
struct Conv1d : Conv<1, In, Out, W> {};
/// Convolution in two dimensions: (N, H, W, In) → (N, H', W', Out).
template <int In, int Out, Window W>
struct Conv2d : Conv<2, In, Out, W> {};
/// Convolution in three dimensions: (N, T, H, W, In) → (N, T', H', W', Out).
template <int In, int Out, Window W>
struct Conv3d : Conv<3, In, Out, W> {};
/// Transposed convolution in one dimension: (N, W, In) → (N, W', Out).
template <int In, int Out, Window W>
struct ConvTranspose1d : ConvTranspose<1, In, Out, W> {};
/// Transposed convolution in two dimensions: (N, H, W, In) → (N, H', W', Out).
template <int In, int Out, Window W>
struct ConvTranspose2d : ConvTranspose<2, In, Out, W> {};
/// Transposed convolution in three dimensions: (N, T, H, W, In) → (N, T', H', W', Out).
template <int In, int Out, Window W>
struct ConvTranspose3d : ConvTranspose<3, In, Out, W> {};

}  // namespace flipbook::nn
