// SPDX-License-Identifier: MIT
#pragma once

#include <numbers>

#include <flipbook/core/math.hpp>
#include <flipbook/core/trig.hpp>

namespace flipbook::inline FLIPBOOK_ISA::function {

/// Each function has a value at x and two derivatives (derivative, second_derivative) at v. If `from_output`, v is the
/// output, which costs less time and memory; otherwise v is the input. If v is the output, `second_derivative` is d
/// derivative / d output, as the chain rule requires.

// clang-format off
struct Relu {
  static constexpr bool from_output = true;
  // Like PyTorch's, preserves NaN.
  template <class V> constexpr V value(const V& x) const { return math::select(x < V(0), V(0), x); }
  template <class V> constexpr V derivative(const V& y) const { return math::select(y > V(0), V(1), V(0)); }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};

struct LeakyRelu {
  static constexpr bool from_output = true;
  double negative_slope;
  template <class V>
  constexpr V value(const V& x) const {
    return math::select(x < V(0), constant<V>(negative_slope) * x, x);
  }
  template <class V>
  constexpr V derivative(const V& y) const {
    return math::select(y > V(0), V(1), constant<V>(negative_slope));
  }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};

struct Elu {
  static constexpr bool from_output = true;
  double alpha;
  template <class V> constexpr V value(const V& x) const {
    return math::select(x > V(0), x, constant<V>(alpha) * math::expm1(math::min(x, V(0))));
  }
  template <class V>
  constexpr V derivative(const V& y) const {
    return math::select(y > V(0), V(1), y + constant<V>(alpha));
  }
  template <class V> constexpr V second_derivative(const V& y) const { return math::select(y > V(0), V(0), V(1)); }
};

struct Sigmoid {
  static constexpr bool from_output = true;
  template <class V> constexpr V value(const V& x) const { return math::sigmoid(x); }
  template <class V> constexpr V derivative(const V& y) const { return y * (V(1) - y); }
  template <class V> constexpr V second_derivative(const V& y) const { return V(1) - y - y; }
};

struct Tanh {
  static constexpr bool from_output = true;
  template <class V> constexpr V value(const V& x) const { return math::tanh(x); }
  template <class V> constexpr V derivative(const V& y) const { return V(1) - y * y; }
  template <class V> constexpr V second_derivative(const V& y) const { return -(y + y); }
};

struct Softplus {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::softplus(x); }
  template <class V> constexpr V derivative(const V& x) const { return math::sigmoid(x); }
  template <class V> constexpr V second_derivative(const V& x) const { return math::sigmoid(x) * math::sigmoid(-x); }
};

struct MinusLogSigmoid {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::softplus(-x); }
  template <class V> constexpr V derivative(const V& x) const { return -math::sigmoid(-x); }
  template <class V> constexpr V second_derivative(const V& x) const { return math::sigmoid(-x) * math::sigmoid(x); }
};

struct Silu {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return x * math::sigmoid(x); }
  template <class V> constexpr V derivative(const V& x) const {
    const V s = math::sigmoid(x);
    return s * (V(1) + x * (V(1) - s));
  }
  template <class V> constexpr V second_derivative(const V& x) const {
    const V s = math::sigmoid(x);
    return s * (V(1) - s) * (V(2) + x * (V(1) - s - s));
  }
};

struct Gelu {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const {
    const V half = constant<V>(0.5) * x;
    return half + half * math::erf(x * constant<V>(std::numbers::sqrt2 / 2));
  }
  template <class V> constexpr V derivative(const V& x) const { return cumulative(x) + x * density(x); }
  template <class V> constexpr V second_derivative(const V& x) const { return density(x) * (V(2) - x * x); }

 private:
  template <class V> static constexpr V cumulative(const V& x) {
    return constant<V>(0.5) * (V(1) + math::erf(x * constant<V>(std::numbers::sqrt2 / 2)));
  }
  template <class V> static constexpr V density(const V& x) {
    return constant<V>(std::numbers::inv_sqrtpi / std::numbers::sqrt2) * math::exp(constant<V>(-0.5) * x * x);
  }
};

struct Exp {
  static constexpr bool from_output = true;
  template <class V> constexpr V value(const V& x) const { return math::exp(x); }
  template <class V> constexpr V derivative(const V& y) const { return y; }
  template <class V> constexpr V second_derivative(const V&) const { return V(1); }
};

struct Log {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::log(x); }
  template <class V> constexpr V derivative(const V& x) const { return V(1) / x; }
  template <class V> constexpr V second_derivative(const V& x) const { return V(-1) / (x * x); }
};

struct Sqrt {
  static constexpr bool from_output = true;
  template <class V> constexpr V value(const V& x) const { return math::sqrt(x); }
  template <class V> constexpr V derivative(const V& y) const { return constant<V>(0.5) / y; }
  template <class V> constexpr V second_derivative(const V& y) const { return constant<V>(-0.5) / (y * y); }
};

struct Square {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return x * x; }
  template <class V> constexpr V derivative(const V& x) const { return x + x; }
  template <class V> constexpr V second_derivative(const V&) const { return V(2); }
};

struct Sin {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::sin(x); }
  template <class V> constexpr V derivative(const V& x) const { return math::cos(x); }
  template <class V> constexpr V second_derivative(const V& x) const { return -math::sin(x); }
};

struct Cos {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::cos(x); }
  template <class V> constexpr V derivative(const V& x) const { return -math::sin(x); }
  template <class V> constexpr V second_derivative(const V& x) const { return -math::cos(x); }
};

struct Pow {
  static constexpr bool from_output = false;
  double exponent;
  template <class V> constexpr V value(const V& x) const { return math::pow(x, exponent); }
  // A factor of 0 gives 0 even if the power is infinite.
  template <class V> constexpr V derivative(const V& x) const {
    return exponent == 0 ? V(0) : constant<V>(exponent) * math::pow(x, exponent - 1);
  }
  template <class V> constexpr V second_derivative(const V& x) const {
    const double factor = exponent * (exponent - 1);
    return factor == 0 ? V(0) : constant<V>(factor) * math::pow(x, exponent - 2);
  }
};

struct Abs {
  static constexpr bool from_output = false;
  template <class V> constexpr V value(const V& x) const { return math::abs(x); }
  template <class V> constexpr V derivative(const V& x) const { return math::sign(x); }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};

struct Round {
  static constexpr bool from_output = true;
  template <class V> constexpr V value(const V& x) const { return math::round(x); }
  template <class V> constexpr V derivative(const V&) const { return V(0); }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};

struct Clamp {
  static constexpr bool from_output = false;
  double low, high;
  template <class V>
  constexpr V value(const V& x) const {
    return math::min(math::max(x, constant<V>(low)), constant<V>(high));
  }
  template <class V> constexpr V derivative(const V& x) const {
    return math::select(x < constant<V>(low), V(0), math::select(x > constant<V>(high), V(0), V(1)));
  }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};

struct Affine {
  static constexpr bool from_output = false;
  double scale, shift;
  template <class V> constexpr V value(const V& x) const { return constant<V>(scale) * x + constant<V>(shift); }
  template <class V> constexpr V derivative(const V&) const { return constant<V>(scale); }
  template <class V> constexpr V second_derivative(const V&) const { return V(0); }
};
// clang-format on

}  // namespace flipbook::function
