// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/biased.hpp>
#include <flipbook/ops/matmul/matmul.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// y = x · w + b over the last axis: (…, In) → (…, Out). Initialised as in PyTorch.
template <int In, int Out, bool WithBias = true>
struct Linear {
  static_assert(In > 0 && Out > 0, "Linear<In, Out>: both must be positive");
  static constexpr int in = In, out = Out, dimensions = any;
  static constexpr bool adds_bias = WithBias, adds = true;

  template <Real T, class B>
  struct Instance {
    Parameter<T, B> weight;                                    // (In, Out)
    std::conditional_t<WithBias, Parameter<T, B>, None> bias;  // (Out)

    explicit Instance(Rng& rng) : weight{init::fan_in<T, B>({In, Out}, In, rng), WeightLayout::linear} {
      if constexpr (WithBias) bias = {init::fan_in<T, B>({Out}, In, rng)};
    }
    static void fields(auto& self, auto&& field) {
      field("weight", self.weight);
      field("bias", self.bias);
    }
    template <Value X>
    X operator()(const X& x) const {
      return of(x, weight, bias);
    }
    /// f(x · w + b), computed in the pass that adds the bias.
    template <Value X, class F>
    X operator()(const X& x, const Epilogue<F>& after) const {
      return biased(after.f, of(x, weight, None{}), bias);
    }
    /// onto.sum + x · w + b
    template <Value X>
    X operator()(const X& x, const Onto<X>& onto) const {
      return linear_onto(onto.sum, x, weight, bias);
    }
  };
  static auto of(const auto& x, const auto& weight, const auto& bias) { return linear(x, weight, bias); }
};

}  // namespace flipbook::nn
