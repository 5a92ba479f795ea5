// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/core/window.hpp>
#include <flipbook/kernels/resample.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/shape/join.hpp>
#include <flipbook/ops/shape/reshape.hpp>

/// Sampling of images between their pixels, with gradients with respect to the positions, for spatial transformers
/// (Jaderberg et al., Spatial transformer networks, 2015) and warping by optical flow.
namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {
template <Value V>
V gradient_in_positions(const Sampling& how, const V& x, const V& grid, const V& dy);
}  // namespace detail

/// Images x (…, H, W, C) sampled at positions (…, h, w, 2), or the derivative with respect to the positions:
/// (…, h, w, C).
struct GridSample {
  static constexpr unsigned saves = save::all_inputs;
  Sampling how;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x, const Tensor<T, B>& grid) const {
    Tensor<T, B> y(grid.shape().with_tail(1, {how.channels}));  // (…, h, w, C)
    kernel::grid_sample(B{}, how, x, grid, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The adjoint of GridSample with respect to x: from samples (…, h, w, C) to images (…, H, W, C).
struct GridSampleAdjoint {
  static constexpr unsigned saves = save::all_inputs;
  Sampling how;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& y, const Tensor<T, B>& grid) const {
    Tensor<T, B> x(y.shape().with_tail(3, {how.down.extent, how.across.extent, how.channels}));  // (…, H, W, C)
    kernel::grid_sample_adjoint(B{}, how, y, grid, x);
    return x;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dx) const {
    const auto& [y, grid] = saved.inputs;
    return gradients([&] { return apply(GridSample{how}, dx, grid); },
                     [&] { return detail::gradient_in_positions(how, dx, grid, y); });
  }
};

template <class Saved, class V>
auto GridSample::vjp(const Saved& saved, const V& dy) const {
  const auto& [x, grid] = saved.inputs;
  return gradients([&] { return apply(GridSampleAdjoint{how}, dy, grid); },
                   [&] { return detail::gradient_in_positions(how, x, grid, dy); });
}

namespace detail {

/// The gradient of Σ dy · GridSample{how}(x, grid) with respect to the grid: (…, h, w, 2).
template <Value V>
V gradient_in_positions(const Sampling& how, const V& x, const V& grid, const V& dy) {
  if constexpr (is_variable<V>) {
    if (recorded(x, grid, dy)) {  // composed of operations that can be differentiated again
      const auto along = [&](const Sampling& derivative) {
        return V(sum(dy * apply(GridSample{derivative}, x, grid), {-1}));  // (…, h, w, 1)
      };
      return concat(-1, along(how.derivative_across()), along(how.derivative_down()));
    }
  }
  Tensor<typename V::Scalar, typename V::Backend> dgrid(grid.shape());
  kernel::grid_sample_positions(typename V::Backend{}, how, tensor_of(x), tensor_of(grid), tensor_of(dy), dgrid);
  return lift_like(dy, dgrid);
}

/// The geometry of sampling images (N, H, W, C) or clips (N, T, H, W, C) at one position for each sample.
inline Sampling sampling_of(const char* operation, const char* what, const Shape& x, const Shape& grid,
                            PaddingMode padding) {
  const int rank = x.rank();
  require(
      (rank == 4 || rank == 5) && grid.rank() == rank && grid[-1] == 2 && grid.part(0, rank - 3) == x.part(0, rank - 3),
      operation, ": x of shape ", x, " and ", what, ' ', grid,
      "; needs (N, H, W, C) and (N, h, w, 2), or (N, T, H, W, C) and (N, T, h, w, 2)");
  const Index height = x[-3], width = x[-2];
  constexpr Index longest = 1 << 24;  // float represents all indices of pixels up to this
  require(0 < height && height <= longest && 0 < width && width <= longest && height * width < Index{1} << 31,
          operation, ": frames of ", height, "×", width,
          "; needs 1 to 2^24 pixels along each axis, and fewer than 2^31");
  Sampling how;
  how.frames = x.part(0, rank - 3).size(), how.samples = grid[-3] * grid[-2], how.channels = x[-1];
  how.across = {.extent = width, .padding = padding}, how.down = {.extent = height, .padding = padding};
  return how;
}

}  // namespace detail

/// Options of `grid_sample`, with PyTorch's names and defaults.
struct GridSampleOptions {
  PaddingMode padding_mode = PaddingMode::zeros;  ///< values outside the image: `zeros`, `border` or `reflection`
  bool align_corners = false;  ///< whether ±1 are the centres of the border pixels, otherwise their outer edges
};

namespace detail {

/// The geometry for images and grids of these shapes.
/// @throws Error  as `grid_sample`
inline Sampling grid_sampling(const Shape& x, const Shape& grid, const GridSampleOptions& options) {
  Sampling how = sampling_of("grid_sample", "a grid", x, grid, options.padding_mode);
  for (SampledAxis* const axis : {&how.across, &how.down}) {
    const auto extent = static_cast<double>(axis->extent);
    axis->scale = (options.align_corners ? extent - 1 : extent) / 2, axis->offset = (extent - 1) / 2;
    axis->edges = !options.align_corners;
  }
  return how;
}

}  // namespace detail

/// Samples images, or each frame of clips, by bilinear interpolation at positions in [−1, 1], as PyTorch's
/// `grid_sample`, but with channels last. A position is (x, y), along the width and the height: (−1, −1) is the first
/// pixel of the first row, (1, −1) its last pixel. A position of NaN gives NaN.
///
/// Differentiable any number of times with respect to pixels and positions. At a pixel, the derivative with respect to
/// the position is that of the linear piece which begins there.
///
/// @param x     (N, H, W, C) or (N, T, H, W, C)
/// @param grid  (N, h, w, 2) or (N, T, h, w, 2)
/// @return  (N, h, w, C) or (N, T, h, w, C)
/// @throws Error  if the shapes do not fit, or a frame has no pixel, or too many
template <Operand X, Operand Grid>
  requires SameScalarAndBackend<X, Grid>
auto grid_sample(const X& x, const Grid& grid, const GridSampleOptions& options = {}) {
  return apply(GridSample{detail::grid_sampling(x.shape(), grid.shape(), options)}, x, grid);
}
template <Operand X, Operand Grid>
detail::OperandsDifferInScalarOrBackend grid_sample(const X&, const Grid&, const GridSampleOptions& = {}) = delete;

/// Backward warping by optical flow: y[i, j] = x at row i + v and column j + u, with bilinear interpolation, where
/// (u, v) = displacement[i, j] in pixels, along the width first. A flow from this frame to x therefore warps x back to
/// this
/// frame. In `place` and `glimpse`, rows come first.
///
/// @param x             (N, H, W, C) or (N, T, H, W, C)
/// @param displacement  (N, h, w, 2) or (N, T, h, w, 2), usually with x's height and width
/// @return  (N, h, w, C) or (N, T, h, w, C)
/// @throws Error  if the shapes do not fit, or a frame has no pixel, or too many
template <Operand X, Operand Flow>
  requires SameScalarAndBackend<X, Flow>
auto warp(const X& x, const Flow& displacement, PaddingMode padding_mode = PaddingMode::zeros) {
  Sampling how = detail::sampling_of("warp", "displacements", x.shape(), displacement.shape(), padding_mode);
  how.own_columns = displacement.shape()[-2];
  return apply(GridSample{how}, x, displacement);
}
template <Operand X, Operand Flow>
detail::OperandsDifferInScalarOrBackend warp(const X&, const Flow&, PaddingMode = PaddingMode::zeros) = delete;

/// The grid of affine transformations: position (x, y) of the result samples at theta · (x, y, 1), as PyTorch's
/// `affine_grid`. A spatial transformer is grid_sample(x, affine_grid(theta, {height, width})).
///
/// @param theta   (…, 2, 3), with a row for x and one for y
/// @param extent  height and width of the result
/// @return  (…, height, width, 2)
/// @throws Error  if the shape does not fit, or there is no pixel
template <Operand Theta>
auto affine_grid(const Theta& theta, const Extent& extent, bool align_corners = false) {
  using T = typename Theta::Scalar;
  using B = typename Theta::Backend;
  const Shape& shape = theta.shape();
  const Index height = extent[1], width = extent[2];
  require(shape.rank() >= 2 && shape.rank() <= 5 && shape[-2] == 2 && shape[-1] == 3 && height > 0 && width > 0,
          "affine_grid: transformations of shape ", shape, " to ", height, "×", width,
          "; needs (…, 2, 3) and positive extents");
  const auto centres = [&](Index n) {  // centres of n pixels along [−1, 1]
    const double step = align_corners ? (n > 1 ? 2.0 / static_cast<double>(n - 1) : 0) : 2.0 / static_cast<double>(n);
    return affine(arange<T, B>(n), step, -step * static_cast<double>(n - 1) / 2);  // (n)
  };
  const Index count = shape.part(0, shape.rank() - 2).size();
  const auto columns = split(reshape(theta, {count, 1, 1, 2, 3}), -1, 3);
  const auto of_column = [&](std::size_t i) { return reshape(columns[i], {count, 1, 1, 2}); };
  const auto across = of_column(0) * reshape(centres(width), {width, 1});                    // (n, 1, w, 2)
  const auto down = of_column(1) * reshape(centres(height), {height, 1, 1}) + of_column(2);  // (n, h, 1, 2)
  return reshape(across + down, shape.with_tail(2, {height, width, 2}));
}

}  // namespace flipbook
