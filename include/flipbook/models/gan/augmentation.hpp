// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/models/gan/view.hpp>
#include <flipbook/ops/shape/permute.hpp>

/// Differentiable augmentation: data and fakes are changed at random before they are judged, and the generator's
/// gradient goes through the changes, so that a discriminator that has seen all of a small data set cannot know it by
/// heart. What is drawn is drawn for each clip and is the same for all its frames. Zhao et al., Differentiable
/// augmentation for data-efficient GAN training, 2020.
///
///     ViewDiscriminator<ClipNetwork, view::Then<view::Brightness<>, view::Translation<>, view::Cutout<>>>
namespace flipbook::inline FLIPBOOK_ISA::view {

namespace detail {

/// One of 0 … count − 1 for each of n clips, as a number: (n, 1, …) of the given rank.
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

/// All of a clip lighter or darker by one number, uniform on ±Most/100 of the distance from black to white, which is 2.
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

/// Each clip moved by whole pixels, up or down and to either side by at most 1/Part of the extent; what comes in is 0,
/// the middle of [−1, 1].
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
    // Row i of what is seen is row i − d: a product with a matrix of one 1 in a row, at most.
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

/// A rectangle of 1/Part of height and width, the same in all frames of a clip, is 0; its middle is anywhere in the
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
    const auto inside = [&](int axis) {  // 1 where the rectangle is along one axis
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
