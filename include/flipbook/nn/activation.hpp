#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/unary.hpp>

namespace flipbook::nn {

/// A layer that applies one function to every element, and keeps channels and dimensions as they are.
template <class Function>
struct Elementwise {
  static constexpr int in = any, out = any, dimensions = any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return Function::of(x);
    }
  };
};

/// max(x, 0)
struct ReLU : Elementwise<ReLU> {
  static auto of(const Value auto& x) { return relu(x); }
};
/// x for x > 0, eˣ − 1 else
struct ELU : Elementwise<ELU> {
  static auto of(const Value auto& x) { return elu(x); }
};
/// x · sigmoid(x)
struct SiLU : Elementwise<SiLU> {
  static auto of(const Value auto& x) { return silu(x); }
};
/// x · Φ(x)
struct GELU : Elementwise<GELU> {
  static auto of(const Value auto& x) { return gelu(x); }
};
/// 1 / (1 + e⁻ˣ)
struct Sigmoid : Elementwise<Sigmoid> {
  static auto of(const Value auto& x) { return sigmoid(x); }
};
/// tanh(x)
struct Tanh : Elementwise<Tanh> {
  static auto of(const Value auto& x) { return tanh(x); }
};
/// log(1 + eˣ)
struct Softplus : Elementwise<Softplus> {
  static auto of(const Value auto& x) { return softplus(x); }
};
/// x for x > 0, x · NegativeSlope else.
template <double NegativeSlope = 0.01>
struct LeakyReLU : Elementwise<LeakyReLU<NegativeSlope>> {
  static_assert(NegativeSlope > 0, "LeakyReLU<NegativeSlope>: the slope must be positive");
  static auto of(const Value auto& x) { return leaky_relu(x, NegativeSlope); }
};

}  // namespace flipbook::nn
