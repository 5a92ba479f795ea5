// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/softmax.hpp>
#include <flipbook/ops/elementwise/binary.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
/// The number of rows of a shape's last axis.
inline Index rows_of(const Shape& shape) { return shape.part(0, shape.rank() - 1).size(); }

// Gradients in one pass are only used if nothing is recorded, so they need no gradient.
inline constexpr const char* fused_only = "a fused gradient cannot be differentiated";
}  // namespace detail

struct SoftmaxGradient {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient = detail::fused_only;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& y, const Tensor<T, B>& dy) const {
    Tensor<T, B> dx(y.shape());
    kernel::softmax_gradient(B{}, detail::rows_of(y.shape()), y, dy, dx);
    return dx;
  }
};

struct Softmax {
  static constexpr unsigned saves = save::output;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    kernel::softmax(B{}, detail::rows_of(x.shape()), x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&]() -> V {
      const V& y = saved.output;
      if constexpr (is_variable<V>) {
        if (recorded(y, dy)) return y * (dy - sum(dy * y, {-1}));
      }
      return apply(SoftmaxGradient{}, y, dy);
    });
  }
};

struct LogSoftmaxGradient {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient = detail::fused_only;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& y, const Tensor<T, B>& dy) const {
    Tensor<T, B> dx(y.shape());
    kernel::log_softmax_gradient(B{}, detail::rows_of(y.shape()), y, dy, dx);
    return dx;
  }
};

struct LogSoftmax {
  static constexpr unsigned saves = save::output;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape());
    kernel::log_softmax(B{}, detail::rows_of(x.shape()), x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&]() -> V {
      const V& y = saved.output;
      if constexpr (is_variable<V>) {
        if (recorded(y, dy)) return dy - exp(y) * sum(dy, {-1});
      }
      return apply(LogSoftmaxGradient{}, y, dy);
    });
  }
};

struct LogSumExpGradient {
  static constexpr unsigned saves = save::none;
  static constexpr const char* no_gradient = detail::fused_only;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& y, const Tensor<T, B>& dy) const {
    Tensor<T, B> dx(x.shape());
    kernel::log_sum_exp_gradient(B{}, detail::rows_of(x.shape()), x, y, dy, dx);
    return dx;
  }
};

struct LogSumExp {
  static constexpr unsigned saves = save::input(0) | save::output;
  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(x.shape().with_tail(1, {1}));
    kernel::log_sum_exp(B{}, detail::rows_of(x.shape()), x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&]() -> V {
      const V &x = std::get<0>(saved.inputs), &y = saved.output;
      if constexpr (is_variable<V>) {
        if (recorded(x, dy)) return dy * exp(x - y);
      }
      return apply(LogSumExpGradient{}, x, y, dy);
    });
  }
};

/// exp(x) / Σ exp(x) over the last axis, without overflow. A row with only −∞ gives NaN.
/// @throws Error  if x has no axis
template <Operand X>
auto softmax(const X& x) {
  require(x.shape().rank() > 0, "softmax: a single number has no axis");
  return apply(Softmax{}, x);
}
/// x − log Σ exp(x) over the last axis: the logarithm of `softmax`, without underflow.
/// @throws Error  if x has no axis
template <Operand X>
auto log_softmax(const X& x) {
  require(x.shape().rank() > 0, "log_softmax: a single number has no axis");
  return apply(LogSoftmax{}, x);
}
/// log Σ exp(x) over the last axis, without overflow. The axis keeps extent 1 unless `drop`.
/// @throws Error  if x has no axis
template <Operand X>
auto log_sum_exp(const X& x, bool drop = false) {
  require(x.shape().rank() > 0, "log_sum_exp: a single number has no axis");
  auto y = apply(LogSumExp{}, x);
  return drop ? reshape(y, x.shape().with_tail(1, {})) : y;
}

FLIPBOOK_RECORDED_1(Softmax);
FLIPBOOK_RECORDED_1(LogSoftmax);

}  // namespace flipbook
