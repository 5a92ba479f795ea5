// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/core/window.hpp>
#include <flipbook/kernels/conv.hpp>
#include <flipbook/ops/reduce/sum.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// The index of the first of `spatial` axes among time, height and width.
constexpr int first_axis(int spatial) { return 3 - spatial; }

/// The padding before and after an axis.
inline std::pair<Index, Index> padding_of(const Window& window, int axis, Index kernel, bool first) {
  if (window.causal && first) return {window.dilation[axis] * (kernel - 1), 0};
  return {window.padding.before[axis], window.padding.after[axis]};
}

/// The part of the geometry that depends on the weights and the window: all but the extents of `input` and `output`.
FLIPBOOK_INLINE ConvGeometry conv_frame(const Shape& w, const Window& window, int spatial);

FLIPBOOK_INLINE ConvGeometry::Axes spatial_extents(const Shape& x);

/// The geometry of a convolution from `x` (N, …, C) to `y` (N, …, O).
FLIPBOOK_INLINE ConvGeometry conv_geometry(const Shape& x, const Shape& y, const Shape& w, const Window& window);

template <class T, class B, class... Bias>
const T* data_or_null(const Bias&... bias) {
  const T* data = nullptr;
  ((data = bias.data()), ...);
  return data;
}

}  // namespace detail

template <bool may_group>
struct BasicTransposedConvolution;
template <bool may_group>
struct BasicConvolutionWeight;

/// Convolution over channels-last input in one, two or three dimensions.
///
///     y[n, p, o] = b[o] + Σ_k Σ_c  x[n, p·stride + k·dilation − padding, c] · w[k, c, o]
///
/// @tparam may_group  false if the window has one group: then the kernels for narrow groups are not compiled
template <bool may_group>
struct BasicConvolution {
  static constexpr unsigned saves = save::input(0) | save::input(1);
  Window window;
  Shape y;  ///< of the result

  template <class T, class B, class... Bias>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& w, const Bias&... bias) const {
    Tensor<T, B> result(y);
    kernel::conv<T, may_group>(B{}, detail::conv_geometry(x.shape(), y, w.shape(), window), result, x, w,
                               detail::data_or_null<T, B>(bias...));
    return result;
  }
  Index multiply_adds(const auto& x, const auto& w, const auto&...) const {
    return detail::conv_geometry(x.shape(), y, w.shape(), window).multiply_adds();
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The adjoint of the convolution with the same window, from (N, …, O) to (N, …, C).
template <bool may_group>
struct BasicTransposedConvolution {
  static constexpr unsigned saves = save::input(0) | save::input(1);
  Window window;
  Shape x;  ///< of the result

  template <class T, class B, class... Bias>
  Tensor<T, B> operator()(const Tensor<T, B>& y, const Tensor<T, B>& w, const Bias&... bias) const {
    Tensor<T, B> result(x);
    kernel::conv_transpose<T, may_group>(B{}, detail::conv_geometry(x, y.shape(), w.shape(), window), result, y, w,
                                         detail::data_or_null<T, B>(bias...));
    return result;
  }
  Index multiply_adds(const auto& y, const auto& w, const auto&...) const {
    return detail::conv_geometry(x, y.shape(), w.shape(), window).multiply_adds();
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dx) const;
};

/// The gradient of the convolution with respect to its weights:
///
///     dw[k, c, o] = Σ_n Σ_p  x[n, p·stride + k·dilation − padding, c] · dy[n, p, o]
template <bool may_group>
struct BasicConvolutionWeight {
  static constexpr unsigned saves = save::input(0) | save::input(1);
  Window window;
  Shape w;             ///< of the result
  bool later = false;  ///< the result is only read after a call of B::settle()

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& dy) const {
    Tensor<T, B> result(w);
    const ConvGeometry geometry = detail::conv_geometry(x.shape(), dy.shape(), w, window);
    if constexpr (std::same_as<B, Cpu>) kernel::conv_weight<T, may_group>(B{}, geometry, result, x, dy);
    else kernel::conv_weight<T, may_group>(B{}, geometry, result, x, dy, later);
    return result;
  }
  Index multiply_adds(const auto& x, const auto& dy) const {
    return detail::conv_geometry(x.shape(), dy.shape(), w, window).multiply_adds();
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& g) const;
};

/// The convolution with any number of groups.
using Convolution = BasicConvolution<true>;
/// The transposed convolution with any number of groups.
using TransposedConvolution = BasicTransposedConvolution<true>;
/// The gradient, with respect to its weights, of the convolution with any number of groups.
using ConvolutionWeight = BasicConvolutionWeight<true>;

// The three operations are linear in each of their two operands, and each is a gradient of the others, so second
// derivatives need no further code.

template <bool may_group>
template <class Saved, class V>
auto BasicConvolution<may_group>::vjp(const Saved& saved, const V& dy) const {
  const V &x = std::get<0>(saved.inputs), &w = std::get<1>(saved.inputs);
  auto dx = [&, this] { return apply(BasicTransposedConvolution<may_group>{window, x.shape()}, dy, w); };
  auto dw = [&, this](Arrival to) {
    return apply(BasicConvolutionWeight<may_group>{window, w.shape(), to.later}, x, dy);
  };
  if constexpr (std::tuple_size_v<decltype(saved.inputs)> == 3) {
    return gradients(dx, dw, [&] { return sum_to(dy, std::get<2>(saved.inputs).shape()); });
  } else {
    return gradients(dx, dw);
  }
}

template <bool may_group>
template <class Saved, class V>
auto BasicTransposedConvolution<may_group>::vjp(const Saved& saved, const V& dx) const {
  const V &y = std::get<0>(saved.inputs), &w = std::get<1>(saved.inputs);
  auto dy = [&, this] { return apply(BasicConvolution<may_group>{window, y.shape()}, dx, w); };
  auto dw = [&, this](Arrival to) {
    return apply(BasicConvolutionWeight<may_group>{window, w.shape(), to.later}, dx, y);
  };
  if constexpr (std::tuple_size_v<decltype(saved.inputs)> == 3) {
    return gradients(dy, dw, [&] { return sum_to(dx, std::get<2>(saved.inputs).shape()); });
  } else {
    return gradients(dy, dw);
  }
}

template <bool may_group>
template <class Saved, class V>
auto BasicConvolutionWeight<may_group>::vjp(const Saved& saved, const V& g) const {
  const V &x = std::get<0>(saved.inputs), &dy = std::get<1>(saved.inputs);
  return gradients(
      [&, this] {
        return apply(BasicTransposedConvolution<may_group>{window, x.shape()}, dy, g);
      },
      [&, this] {
        return apply(BasicConvolution<may_group>{window, dy.shape()}, x, g);
      });
}

namespace detail {

FLIPBOOK_INLINE void check_conv(const char* operation, const Shape& x, const Shape& w, Index channels,
                                const Window& window);

/// The shape of a convolution's output.
inline Shape conv_result(const Shape& x, const Shape& w, const Window& window) {
  check_conv("conv", x, w, w.rank() < 2 ? 0 : w[-2] * window.groups, window);
  Shape y{x[0]};
  const int spatial = x.rank() - 2, first = first_axis(spatial);
  for (int axis = first; axis < 3; ++axis) {
    const Index kernel = w[axis - first], extent = x[axis - first + 1];
    const auto [before, after] = padding_of(window, axis, kernel, axis == first);
    const Index span = extent + before + after - window.dilation[axis] * (kernel - 1) - 1;
    require(span >= 0, "conv: a kernel of ", kernel, " does not fit into an extent of ", extent, " (input ", x,
            ", weights ", w, ")");
    y.push_back(span / window.stride[axis] + 1);
  }
  y.push_back(w.back());
  return y;
}

template <Operand X, Operand W, class Op, class Bias>
auto with_bias(Op op, const X& x, const W& w, const Bias& b, const char* operation, Index channels) {
  if constexpr (std::is_same_v<Bias, None>) {
    return apply(std::move(op), x, w);
  } else {
    require(b.shape() == Shape{channels}, operation, ": bias ", b.shape(), " for ", channels, " channels");
    return apply(std::move(op), x, w, b);
  }
}

}  // namespace detail

/// Convolution over channels-last input in one, two or three dimensions.
///
///     y[n, p, o] = b[o] + Σ_k Σ_c  x[n, p·stride + k·dilation − padding, c] · w[k, c, o]
///
/// @param x  (N, [T, [H,]] W, C)    @param w  ([Kt, [Kh,]] Kw, C / groups, O)    @param b  (O), or None
/// @param window  stride, padding, dilation, groups; the kernel's extents are those of w
/// @return   (N, [T', [H',]] W', O),  extent' = (extent + paddings − dilation·(kernel − 1) − 1) / stride + 1
/// @throws   Error  if channels differ, or an output extent would not be positive
template <bool may_group = true, Operand X, Operand W, class Bias = None>
  requires SameScalarAndBackend<X, W, Bias>
auto conv(const X& x, const W& w, const Bias& b, const Window& window) {
  const Shape y = detail::conv_result(x.shape(), w.shape(), window);
  return detail::with_bias(BasicConvolution<may_group>{window, y}, x, w, b, "conv", y.back());
}
template <bool may_group = true, Operand X, Operand W, class Bias>
detail::OperandsDifferInScalarOrBackend conv(const X&, const W&, const Bias&, const Window&) = delete;

/// Transposed convolution: the adjoint, with respect to the input, of the convolution with the same window.
///
///     x[n, p·stride + k·dilation − padding, c] += y[n, p, o] · w[k, c, o]
///
/// @param y  (N, [T, [H,]] W, O)    @param w  ([Kt, [Kh,]] Kw, C / groups, O)    @param b  (C), or None
/// @return   (N, [T', [H',]] W', C),
///           extent' = (extent − 1)·stride − paddings + dilation·(kernel − 1) + output_padding + 1
/// @throws   Error  if channels differ, or an output extent would not be positive
template <bool may_group = true, Operand Y, Operand W, class Bias = None>
  requires SameScalarAndBackend<Y, W, Bias>
auto conv_transpose(const Y& y, const W& w, const Bias& b, const Window& window) {
  const Shape &ys = y.shape(), &ws = w.shape();
  detail::check_conv("conv_transpose", ys, ws, ws.rank() < 1 ? 0 : ws.back(), window);
  Shape x{ys[0]};
  const int spatial = ys.rank() - 2, first = detail::first_axis(spatial);
  for (int axis = first; axis < 3; ++axis) {
    const Index kernel = ws[axis - first], extent = ys[axis - first + 1];
    const auto [before, after] = detail::padding_of(window, axis, kernel, axis == first);
    const Index out = (extent - 1) * window.stride[axis] - before - after + window.dilation[axis] * (kernel - 1) +
                      window.output_padding[axis] + 1;
    require(out > 0, "conv_transpose: an extent of ", extent, " would become ", out, " (input ", ys, ", weights ", ws,
            ")");
    x.push_back(out);
  }
  x.push_back(ws[-2] * window.groups);
  return detail::with_bias(BasicTransposedConvolution<may_group>{window, x}, y, w, b, "conv_transpose", x.back());
}
template <bool may_group = true, Operand Y, Operand W, class Bias>
detail::OperandsDifferInScalarOrBackend conv_transpose(const Y&, const W&, const Bias&, const Window&) = delete;

FLIPBOOK_RECORDED_2(BasicConvolution<false>);
FLIPBOOK_RECORDED_3(BasicConvolution<false>);
FLIPBOOK_RECORDED_2(BasicTransposedConvolution<false>);
FLIPBOOK_RECORDED_3(BasicTransposedConvolution<false>);

FLIPBOOK_TEMPLATE(auto conv<false>(const Tensor<float>&, const Parameter<float, Cpu>&, const Parameter<float, Cpu>&,
                                   const Window&));
FLIPBOOK_TEMPLATE(auto conv<false>(const Variable<float>&, const Parameter<float, Cpu>&, const Parameter<float, Cpu>&,
                                   const Window&));
FLIPBOOK_TEMPLATE(auto conv_transpose<false>(const Tensor<float>&, const Parameter<float, Cpu>&,
                                             const Parameter<float, Cpu>&, const Window&));
FLIPBOOK_TEMPLATE(auto conv_transpose<false>(const Variable<float>&, const Parameter<float, Cpu>&,
                                             const Parameter<float, Cpu>&, const Window&));

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/ops/conv/conv.ipp>
#endif
