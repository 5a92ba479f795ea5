// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/models/gan/view.hpp>
#include <flipbook/ops/shape/permute.hpp>

/// Differentiable augmentation: random transformations of data and fakes before a discriminator, through which the
/// generator's gradient passes, so that the discriminator cannot memorise a small data set. Random numbers are drawn
/// for each clip and are the same for all its frames. Zhao et al., Differentiable augmentation for data-efficient GAN
/// training, 2020.
///
///     ViewDiscriminator<ClipNetwork, view::Then<view::Brightness<>, view::Translation<>, view::Cutout<>>>
namespace flipbook::inline FLIPBOOK_ISA::view {

namespace detail {

/// A random integer of 0 … count − 1 for each of n clips, as a float: (n, 1, …) of the given rank.
template <class B>
Tensor<float, B> drawn(Index n, Index count, int rank, Rng& rng) {
  Shape shape = Shape::filled(rank, 1);
  shape[0] = n;
  return cast<float>(cast<std::int32_t>(uniform<float, B>(shape, rng, 0, static_cast<double>(count))));
}
inline void require_images(const char* view, const Shape& shape) {
  require(shape.rank() == 4 || shape.rank() == 5, view, ": needs images (N, H, W, C) or clips (N, T, H, W, C), got ",
          shape);
}

}  // namespace detail

/// Adds one random number to all pixels of a clip, uniform within ±Most/100 of the distance from black to white, which
/// is 2.
template <int Most = 25>
struct Brightness {
  template <Value X>
  static X of(const X& x, Rng& rng) {
    using T = typename X::Scalar;
    Shape shape = Shape::filled(x.shape().rank(), 1);
    shape[0] = x.shape()[0];
    return x + lift_like(x, uniform<T, typename X::Backend>(shape, rng, -Most / 50.0, Most / 50.0));
  }
};

/// Translates images (N, H, W, C) or clips (N, T, H, W, C) by whole pixels, vertically and horizontally by at most
/// 1/Part of the extent; the border is filled with 0, the middle of [−1, 1].
template <int Part = 8>
struct Translation {
  static_assert(Part > 0, "Translation<Part>: needs a positive part");
  template <Value X>
  static X of(const X& x, Rng& rng) {
    using T = typename X::Scalar;
    using B = typename X::Backend;
    const Shape& shape = x.shape();
    detail::require_images("Translation", shape);
    const Index n = shape[0], h = shape[-3], w = shape[-2], rest = shape[-1], frames = shape.rank() == 5 ? shape[1] : 1;
    // Row i of the result is row i − d: a product with a matrix that has at most one 1 in a row.
    const auto shift = [&](Index extent) {
      const Index most = extent / Part;
      const auto d = detail::drawn<B>(n, 2 * most + 1, 3, rng) - static_cast<double>(most);  // (N, 1, 1)
      const auto to = arange<float, B>(extent).reshape({1, extent, 1});                      // (1, E, 1)
      const auto from = arange<float, B>(extent).reshape({1, 1, extent});                    // (1, 1, E)
      return cast<T>(equal(to - d, from));                                                   // (N, E, E)
    };
    const auto down = lift_like(x, shift(h)), right = lift_like(x, shift(w));
    const auto by_row = transpose(reshape(x, {n, frames, h, w * rest}), 1, 2);         // (N, H, T, W·C)
    const auto moved = matmul(down, reshape(by_row, {n, h, frames * w * rest}));       // (N, H, T·W·C)
    const auto by_column = transpose(reshape(moved, {n, h * frames, w, rest}), 1, 2);  // (N, W, H·T, C)
    const auto both = matmul(right, reshape(by_column, {n, w, h * frames * rest}));    // (N, W, H·T·C)
    const auto rows = transpose(reshape(both, {n, w, h * frames, rest}), 1, 2);        // (N, H·T, W, C)
    return reshape(transpose(reshape(rows, {n, h, frames, w * rest}), 1, 2), shape);
  }
};

/// Sets a rectangle of 1/Part of height and width to 0, the same in all frames of a clip; its centre is anywhere in the
/// frame.
template <int Part = 2>
struct Cutout {
  static_assert(Part > 0, "Cutout<Part>: needs a positive part");
  template <Value X>
  static X of(const X& x, Rng& rng) {
    using T = typename X::Scalar;
    using B = typename X::Backend;
    detail::require_images("Cutout", x.shape());
    const int rank = x.shape().rank();
    const auto inside = [&](int axis) {  // 1 within the rectangle along one axis
      const Index extent = x.shape()[axis], size = extent / Part, before = size / 2;
      Shape line = Shape::filled(rank, 1);
      line[axis] = extent;
      const auto middle = detail::drawn<B>(x.shape()[0], extent, rank, rng) - static_cast<double>(before);
      const auto along = arange<float, B>(extent).reshape(line) - middle;
      return greater_equal(along, 0) * less(along, static_cast<double>(size));
    };
    return x * lift_like(x, cast<T>(1 - inside(-3) * inside(-2)));
  }
};

}  // namespace flipbook::view
