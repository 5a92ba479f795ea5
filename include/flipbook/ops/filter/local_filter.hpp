// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/kernels/filter.hpp>

/// Dynamic local filtering: a convolution whose weights vary with position and are inputs, such as the output of a
/// network.
namespace flipbook::inline FLIPBOOK_ISA {

/// Images filtered by the filters of their blocks, (N, H, W, C) and (N, h, w, K²) → (N, H, W, C).
struct LocalFilter {
  static constexpr unsigned saves = save::all_inputs;
  LocalFilterGeometry geometry;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& filters) const {
    Tensor<T, B> y(x.shape());
    kernel::local_filter(B{}, geometry, x, filters, y);
    return y;
  }
  Index multiply_adds(const auto& x, const auto&) const { return x.size() * geometry.taps(); }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The adjoint of LocalFilter with respect to the images.
struct LocalFilterAdjoint {
  static constexpr unsigned saves = save::all_inputs;
  LocalFilterGeometry geometry;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& y, const Tensor<T, B>& filters) const {
    Tensor<T, B> x(y.shape());
    kernel::local_filter_adjoint(B{}, geometry, y, filters, x);
    return x;
  }
  Index multiply_adds(const auto& y, const auto&) const { return y.size() * geometry.taps(); }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dx) const;
};

/// The gradient of Σ dy · LocalFilter(x, filters) with respect to the filters, which is bilinear in x and dy.
struct LocalFilterGradient {
  static constexpr unsigned saves = save::all_inputs;
  LocalFilterGeometry geometry;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& dy) const {
    Tensor<T, B> dfilters({geometry.frames, geometry.rows, geometry.columns, geometry.taps()});
    kernel::local_filter_gradient(B{}, geometry, x, dy, dfilters);
    return dfilters;
  }
  Index multiply_adds(const auto& x, const auto&) const { return x.size() * geometry.taps(); }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& g) const {
    const auto& [x, dy] = saved.inputs;
    return gradients([&] { return apply(LocalFilterAdjoint{geometry}, dy, g); },
                     [&] { return apply(LocalFilter{geometry}, x, g); });
  }
};

template <class Saved, class V>
auto LocalFilter::vjp(const Saved& saved, const V& dy) const {
  const auto& [x, filters] = saved.inputs;
  return gradients([&] { return apply(LocalFilterAdjoint{geometry}, dy, filters); },
                   [&] { return apply(LocalFilterGradient{geometry}, x, dy); });
}
template <class Saved, class V>
auto LocalFilterAdjoint::vjp(const Saved& saved, const V& dx) const {
  const auto& [y, filters] = saved.inputs;
  return gradients([&] { return apply(LocalFilter{geometry}, dx, filters); },
                   [&] { return apply(LocalFilterGradient{geometry}, dx, y); });
}

namespace detail {

/// The geometry for images and filters of these shapes.
/// @throws Error  as `local_filter`
inline LocalFilterGeometry local_filter_geometry(const Shape& x, const Shape& filters) {
  const bool ranks = x.rank() == 4 && filters.rank() == 4;
  Index kernel = 1;
  while (ranks && kernel * kernel < filters[3]) kernel += 2;
  require(ranks && filters[0] == x[0] && filters[1] > 0 && filters[2] > 0 && x[1] % filters[1] == 0 &&
              x[2] % filters[2] == 0 && kernel * kernel == filters[3],
          "local_filter: pictures ", x, " and filters ", filters,
          "; needs (N, H, W, C) and (N, h, w, K²), where h and w divide H and W, and K is odd");
  return {.frames = x[0],
          .height = x[1],
          .width = x[2],
          .channels = x[3],
          .rows = filters[1],
          .columns = filters[2],
          .kernel = kernel};
}

}  // namespace detail

/// Dynamic local filtering: each pixel becomes a sum over its K × K neighbours, weighted by the filter of its position
/// or of its block of H/h × W/w pixels. Images are padded with zeros.
///
///     y[n, i, j, c] = Σ_{a, b} filters[n, i·h/H, j·w/W, a·K + b] · x[n, i + a − ⌊K/2⌋, j + b − ⌊K/2⌋, c]
///
/// A network that predicts filters, normalised by a softmax, can move the objects of a frame, and so predict the next
/// frame from the last one. De Brabandere et al., Dynamic filter networks, 2016. Differentiable any number of times,
/// with respect to images and filters.
///
/// @param x        (N, H, W, C)
/// @param filters  (N, h, w, K²), where h and w divide H and W, and K is odd
/// @return  (N, H, W, C)
/// @throws Error  if the shapes do not fit
template <Operand X, Operand F>
  requires SameScalarAndBackend<X, F>
auto local_filter(const X& x, const F& filters) {
  return apply(LocalFilter{detail::local_filter_geometry(x.shape(), filters.shape())}, x, filters);
}
template <Operand X, Operand F>
detail::OperandsDifferInScalarOrBackend local_filter(const X&, const F&) = delete;

}  // namespace flipbook
