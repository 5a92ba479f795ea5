// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

template <class F>
struct BiasedValue {
  F f;
  template <class V>
  constexpr V operator()(const V& x, const V& b) const {
    return f.value(x + b);
  }
};

/// y = f(x + b), with b (C) along the last axis, in one pass on devices. Both gradients are also one pass: the gradient
/// of b sums that of x over rows.
template <class F>
struct Biased {
  static constexpr unsigned saves = F::from_output ? save::output : save::input(0) | save::input(1);
  F f;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& b) const {
    Tensor<T, B> y(x.shape());
    kernel::map_broadcast(B{}, BiasedValue<F>{f}, y, x, b);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    const auto& [x, b] = saved.inputs;
    if constexpr (is_tensor<V>) {
      using B = typename V::Backend;
      V dx(dy.shape()), db(b.shape());
      const DerivativeOf<F> slope{f};
      if constexpr (F::from_output) kernel::map_and_sum_columns(B{}, slope, dx, db, dy, saved.output, V{});
      else kernel::map_and_sum_columns(B{}, slope, dx, db, dy, x, b);
      return gradients(dx, db);
    } else {  // recorded
      const V dx = [&]() -> V {
        if constexpr (F::from_output) return apply(UnaryDerivative<F>{f}, dy, saved.output);
        else return apply(UnaryDerivative<F>{f}, dy, V(x + b));
      }();
      return gradients(dx, [dx, shape = b.shape()] { return sum_to(dx, shape); });
    }
  }
};

template <class F>
struct SlopeOfSum {
  Epilogue<F> f;
  double scale;
  template <class V>
  constexpr V operator()(const V& dy, const V& x) const {
    return f(constant<V>(scale) * dy, x);
  }
};

/// scale · Σ f(x) over all elements, in one pass on devices, as is its gradient.
template <class F>
struct SumOf {
  static constexpr unsigned saves = save::input(0);
  F f;
  double scale;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(Shape{});
    kernel::sum_of(B{}, ValueOf<F>{f}, y, x, scale);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([this, dy, x = std::get<0>(saved.inputs)]() -> V {
      if constexpr (is_tensor<V>) {
        V dx(x.shape());
        kernel::map_broadcast(typename V::Backend{}, SlopeOfSum<F>{{f}, scale}, dx, dy, x);
        return dx;
      } else {
        return Epilogue<F>{f}.unfused(apply(BroadcastTo{x.shape(), scale}, dy), x);
      }
    });
  }
};

}  // namespace detail

/// f(x + b), element by element, for a function of functions.hpp and b (C) along the last axis of x (…, C); one pass on
/// devices.
/// @throws Error  if b has another shape
template <class F, Operand X, Operand Bias>
auto biased(const F& f, const X& x, const Bias& b) {
  require(x.shape().rank() > 0 && b.shape() == Shape{x.shape()[-1]}, "biased: bias ", b.shape(), " for ", x.shape());
  if constexpr (std::same_as<typename X::Backend, Cpu>) return apply(Unary<F>{f}, x + b);
  else return apply(detail::Biased<F>{f}, x, b);
}

/// The mean of f(x) over all elements, for a function of functions.hpp: a single number, of rank 0.
template <class F, Operand X>
auto mean_of(const F& f, const X& x) {
  if constexpr (std::same_as<typename X::Backend, Cpu>) {
    return mean(apply(Unary<F>{f}, x));
  } else {
    return apply(detail::SumOf<F>{f, 1.0 / static_cast<double>(x.shape().size())}, x);
  }
}

}  // namespace flipbook
