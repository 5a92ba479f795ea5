// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/elementwise.hpp>
#include <flipbook/ops/elementwise/functions.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <class F>
struct ValueOf {
  F f;
  template <class V>
  constexpr V operator()(const V& x) const {
    return f.value(x);
  }
};
template <class F>
struct DerivativeOf {
  F f;
  template <class V>
  constexpr V operator()(const V& dy, const V& v) const {
    return dy * f.derivative(v);
  }
};
template <class F>
struct SecondDerivativeOf {
  F f;
  template <class V>
  constexpr V operator()(const V& g, const V& dy, const V& v) const {
    return g * dy * f.second_derivative(v);
  }
};

template <class F>
inline constexpr bool of_library<ValueOf<F>> = of_library<F>;
template <class F>
inline constexpr bool of_library<DerivativeOf<F>> = of_library<F>;
template <class F>
inline constexpr bool of_library<SecondDerivativeOf<F>> = of_library<F>;

}  // namespace detail

/// g · dy · f″(v): the last derivative that a function of functions.hpp has.
template <class F>
struct UnarySecondDerivative {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient = "element-wise functions are differentiable twice, not three times";
  F f;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& g, const Tensor<T, B>& dy, const Tensor<T, B>& v) const {
    Tensor<T, B> y(g.shape());
    kernel::map(B{}, detail::SecondDerivativeOf<F>{f}, y, g, dy, v);
    return y;
  }
};

/// dy · f′(v).
template <class F>
struct UnaryDerivative {
  static constexpr unsigned saves = save::all_inputs;
  F f;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& dy, const Tensor<T, B>& v) const {
    Tensor<T, B> dx(dy.shape());
    kernel::map(B{}, detail::DerivativeOf<F>{f}, dx, dy, v);
    return dx;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& g) const {
    const auto& [dy, v] = saved.inputs;
    return gradients([&, v = v] { return apply(UnaryDerivative{f}, g, v); },
                     [&, dy = dy, v = v] { return apply(UnarySecondDerivative<F>{f}, g, dy, v); });
  }
};

/// y = f(x), element by element, for the functions of functions.hpp.
template <class F>
struct Unary {
  static constexpr unsigned saves = F::from_output ? save::output : save::input(0);
  F f;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    kernel::map(B{}, detail::ValueOf<F>{f}, y, x);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] {
      if constexpr (F::from_output) {
        return apply(UnaryDerivative<F>{f}, dy, saved.output);
      } else {
        return apply(UnaryDerivative<F>{f}, dy, std::get<0>(saved.inputs));
      }
    });
  }
};

/// A function of functions.hpp that an operation applies to its result in the same pass: f(v), and the gradient of v,
/// given that of f(v).
template <class F>
struct Epilogue {
  F f;
  template <class V>
  constexpr V operator()(const V& v) const {
    return f.value(v);
  }
  template <class V>
  constexpr V operator()(const V& dy, const V& v) const {
    if constexpr (F::from_output) return dy * f.derivative(f.value(v));
    else return dy * f.derivative(v);
  }
  /// The same as separate operations, which can be differentiated again.
  template <Value V>
  auto unfused(const V& v) const {
    return apply(Unary<F>{f}, v);
  }
  template <Value V>
  auto unfused(const V& dy, const V& v) const {
    if constexpr (F::from_output) return apply(UnaryDerivative<F>{f}, dy, unfused(v));
    else return apply(UnaryDerivative<F>{f}, dy, v);
  }
};
template <class F>
Epilogue(F) -> Epilogue<F>;
template <class F>
inline constexpr bool detail::of_library<Epilogue<F>> = detail::of_library<F>;

/// max(x, 0), element by element.
template <Operand X>
auto relu(const X& x) {
  return apply(Unary<function::Relu>{}, x);
}
/// max(x, 0) + slope·min(x, 0).
/// @throws Error  unless slope > 0
template <Operand X>
auto leaky_relu(const X& x, double slope = 0.01) {
  require(slope > 0, "leaky_relu: the slope must be positive, got ", slope);
  return apply(Unary<function::LeakyRelu>{{slope}}, x);
}
/// x for x > 0, otherwise α(eˣ − 1). Clevert et al., 2015.
template <Operand X>
auto elu(const X& x, double alpha = 1) {
  return apply(Unary<function::Elu>{{alpha}}, x);
}
/// x · sigmoid(x). Hendrycks and Gimpel, 2016.
template <Operand X>
auto silu(const X& x) {
  return apply(Unary<function::Silu>{}, x);
}
/// x · Φ(x), with the exact normal distribution function Φ, not its tanh approximation.
template <Operand X>
auto gelu(const X& x) {
  return apply(Unary<function::Gelu>{}, x);
}
/// 1 / (1 + e⁻ˣ), element by element.
template <Operand X>
auto sigmoid(const X& x) {
  return apply(Unary<function::Sigmoid>{}, x);
}
/// The hyperbolic tangent, element by element.
template <Operand X>
auto tanh(const X& x) {
  return apply(Unary<function::Tanh>{}, x);
}
/// log(1 + eˣ), without overflow.
template <Operand X>
auto softplus(const X& x) {
  return apply(Unary<function::Softplus>{}, x);
}
/// −log σ(x) = log(1 + e⁻ˣ), without overflow.
template <Operand X>
auto minus_log_sigmoid(const X& x) {
  return apply(Unary<function::MinusLogSigmoid>{}, x);
}
/// eˣ, element by element.
template <Operand X>
auto exp(const X& x) {
  return apply(Unary<function::Exp>{}, x);
}
/// The natural logarithm, element by element.
template <Operand X>
auto log(const X& x) {
  return apply(Unary<function::Log>{}, x);
}
/// √x, element by element.
template <Operand X>
auto sqrt(const X& x) {
  return apply(Unary<function::Sqrt>{}, x);
}
/// x², element by element.
template <Operand X>
auto square(const X& x) {
  return apply(Unary<function::Square>{}, x);
}
/// The sine of x in radians, element by element.
template <Operand X>
auto sin(const X& x) {
  return apply(Unary<function::Sin>{}, x);
}
/// The cosine of x in radians, element by element.
template <Operand X>
auto cos(const X& x) {
  return apply(Unary<function::Cos>{}, x);
}
/// x to the power of a number; NaN for a negative x and an exponent that is not an integer.
template <Operand X>
auto pow(const X& x, double exponent) {
  return apply(Unary<function::Pow>{{exponent}}, x);
}
/// |x|, with gradient 0 at 0.
template <Operand X>
auto abs(const X& x) {
  return apply(Unary<function::Abs>{}, x);
}
/// The integer nearest to x, ties to even, as PyTorch's `round`; the gradient is 0, see `straight_through`.
template <Operand X>
auto round(const X& x) {
  return apply(Unary<function::Round>{}, x);
}
/// x clamped to [low, high]; the gradient is 0 outside.
template <Operand X>
auto clamp(const X& x, double low, double high) {
  return apply(Unary<function::Clamp>{{low, high}}, x);
}
/// scale·x + shift for two numbers.
template <Operand X>
auto affine(const X& x, double scale, double shift) {
  return apply(Unary<function::Affine>{{scale, shift}}, x);
}

FLIPBOOK_RECORDED_1(Unary<function::Relu>);
FLIPBOOK_RECORDED_1(Unary<function::LeakyRelu>);
FLIPBOOK_RECORDED_1(Unary<function::Elu>);
FLIPBOOK_RECORDED_1(Unary<function::Sigmoid>);
FLIPBOOK_RECORDED_1(Unary<function::Tanh>);
FLIPBOOK_RECORDED_1(Unary<function::Softplus>);
FLIPBOOK_RECORDED_1(Unary<function::MinusLogSigmoid>);
FLIPBOOK_RECORDED_1(Unary<function::Silu>);
FLIPBOOK_RECORDED_1(Unary<function::Gelu>);
FLIPBOOK_RECORDED_1(Unary<function::Exp>);
FLIPBOOK_RECORDED_1(Unary<function::Log>);
FLIPBOOK_RECORDED_1(Unary<function::Square>);
FLIPBOOK_RECORDED_1(Unary<function::Affine>);

}  // namespace flipbook
