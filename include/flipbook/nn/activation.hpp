// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/shape/join.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

/// A layer that applies `Of::f`, a function of ops/elementwise/functions.hpp, to every element. Channels and dimensions
/// are unchanged.
template <class Of>
struct Elementwise {
  static constexpr int in = any, out = any, dimensions = any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return Epilogue{Of::f}.unfused(x);
    }
  };
};

/// max(x, 0)
struct ReLU : Elementwise<ReLU> {
  static constexpr function::Relu f{};
};
/// x for x > 0, eˣ − 1 otherwise
struct ELU : Elementwise<ELU> {
  static constexpr function::Elu f{1};
};
/// x · sigmoid(x)
struct SiLU : Elementwise<SiLU> {
  static constexpr function::Silu f{};
};
/// x · Φ(x)
struct GELU : Elementwise<GELU> {
  static constexpr function::Gelu f{};
};
/// 1 / (1 + e⁻ˣ)
struct Sigmoid : Elementwise<Sigmoid> {
  static constexpr function::Sigmoid f{};
};
/// tanh(x)
struct Tanh : Elementwise<Tanh> {
  static constexpr function::Tanh f{};
};
/// log(1 + eˣ)
struct Softplus : Elementwise<Softplus> {
  static constexpr function::Softplus f{};
};
/// x for x > 0, x · NegativeSlope otherwise
template <double NegativeSlope = 0.01>
struct LeakyReLU : Elementwise<LeakyReLU<NegativeSlope>> {
  static_assert(NegativeSlope > 0, "LeakyReLU<NegativeSlope>: the slope must be positive");
  static constexpr function::LeakyRelu f{NegativeSlope};
};

/// Gated linear unit: a · sigmoid(b), a the first half of the channels and b the second: (N, …, In) → (N, …, In / 2).
/// Dauphin et al., 2017.
template <int In>
struct GLU {
  static_assert(In > 0 && In % 2 == 0, "GLU<In>: needs an even number of channels");
  static constexpr int in = In, out = In / 2, dimensions = any;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      const List<X> halves = split(x, -1, 2);  // 2 × (N, …, In / 2)
      return halves[0] * sigmoid(halves[1]);
    }
  };
};

}  // namespace flipbook::nn
