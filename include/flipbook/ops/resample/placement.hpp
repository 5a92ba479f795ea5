// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/window.hpp>
#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/shape/crop.hpp>
#include <flipbook/ops/shape/permute.hpp>

/// Spatial transformers for translation: they place an image on a canvas or crop glimpses, differentiable with respect
/// to pixels and positions. Jaderberg et al., Spatial transformer networks, 2015.
namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// The weights of linear interpolation that move an image's pixels j to p + j on a canvas of pixels i along one axis:
/// max(0, 1 − |i − j − p|), (N, T) → (N, T, canvas, picture).
template <Value X>
X translation(const X& position, Index canvas, Index picture) {
  using T = typename X::Scalar;
  using B = typename X::Backend;
  const Index n = position.extent(0), t = position.extent(1);
  const auto offset = reshape(arange<T, B>(canvas), {canvas, 1}) - arange<T, B>(picture);  // (canvas, picture)
  return relu(1 - abs(offset - reshape(position, {n, t, 1, 1})));
}

/// The weights along height and width for positions (N, T, 2).
template <Value X>
struct Translation {
  X down, across;  // (N, T, H, h), (N, T, W, w)

  Translation(const X& positions, Index height, Index width, Index picture_height, Index picture_width) {
    const auto along = [&](Index axis) {
      return reshape(slice(positions, 2, axis, axis + 1), {positions.extent(0), positions.extent(1)});  // (N, T)
    };
    down = translation(along(0), height, picture_height);
    across = translation(along(1), width, picture_width);
  }
};

inline void require_positions(const char* operation, const Shape& pictures, int rank, const Shape& positions) {
  require(pictures.rank() == rank && positions.rank() == 3 && positions[2] == 2 && positions[0] == pictures[0] &&
              (rank == 4 || positions[1] == pictures[1]),
          operation, ": ", rank == 4 ? "pictures" : "clips", " of shape ", pictures, " and positions ", positions,
          rank == 4 ? "; needs (N, h, w, C) and (N, T, 2)" : "; needs (N, T, H, W, C) and (N, T, 2)");
}

}  // namespace detail

/// A clip of a moving image: in frame t its first pixel is at row and column positions[n, t], with linear interpolation
/// between pixels. The canvas around the image is 0; parts outside the canvas are cropped.
///
/// @param pictures   (N, h, w, C)
/// @param positions  (N, T, 2), in pixels
/// @return  (N, T, canvas.height, canvas.width, C)
/// @throws Error  if the shapes do not fit
template <Value X>
X place(const X& pictures, const X& positions, const Extent& canvas) {
  detail::require_positions("place", pictures.shape(), 4, positions.shape());
  const Index n = pictures.extent(0), h = pictures.extent(1), w = pictures.extent(2), c = pictures.extent(3);
  const Index t = positions.extent(1), height = canvas[1], width = canvas[2];
  const detail::Translation<X> move(positions, height, width, h, w);
  const X rows = matmul(reshape(move.down, {n, t * height, h}), reshape(pictures, {n, h, w * c}));
  const X lines = reshape(transpose(reshape(rows, {n, t * height, w, c})), {n, t, height * c, w});
  const X placed = matmul(lines, move.across, Transposed{.b = true});  // (N, T, H·C, W)
  return reshape(transpose(reshape(placed, {n, t * height, c, width})), {n, t, height, width, c});
}

/// Crops a moving window from a clip: the adjoint of `place`. At integer positions these are the clip's pixels; outside
/// the clip they are 0.
///
/// @param clips      (N, T, H, W, C)
/// @param positions  (N, T, 2), row and column of the window's first pixel
/// @return  (N, T, size.height, size.width, C)
/// @throws Error  if the shapes do not fit
template <Value X>
X glimpse(const X& clips, const X& positions, const Extent& size) {
  detail::require_positions("glimpse", clips.shape(), 5, positions.shape());
  const Index n = clips.extent(0), t = clips.extent(1), height = clips.extent(2), width = clips.extent(3);
  const Index c = clips.extent(4), h = size[1], w = size[2];
  const detail::Translation<X> move(positions, height, width, h, w);
  const X rows = matmul(move.down, reshape(clips, {n, t, height, width * c}), Transposed{.a = true});
  const X lines = reshape(transpose(reshape(rows, {n * t, h, width, c})), {n, t, h * c, width});
  const X seen = matmul(lines, move.across);  // (N, T, h·C, w)
  return reshape(transpose(reshape(seen, {n * t, h, c, w})), {n, t, h, w, c});
}

}  // namespace flipbook
