// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/where.hpp>
#include <flipbook/ops/matmul/matmul.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/ops/resample/pool.hpp>
#include <flipbook/ops/scan/arange.hpp>
#include <flipbook/ops/shape/crop.hpp>

/// Views, the parts of clips that discriminators receive: arguments of ViewDiscriminator, with one static function
///
///     X of(const X& clips, Rng& rng)    clips (N, T, H, W, C) → their view, (N, …, C) or (N·k, …, C)
///
/// Views consist of operations, so the generator's gradient passes through them, on either backend.
namespace flipbook::inline FLIPBOOK_ISA::view {

/// The whole clip, unchanged.
struct Clip {
  template <Value X>
  static X of(const X& x, Rng&) {
    return x;
  }
};

/// K different random frames of each clip, as images: (N, T, …, C) → (N·K, …, C).
template <int K = 1>
struct RandomFrames {
  static_assert(K > 0, "RandomFrames<K>: needs at least one frame");
  /// @throws Error  if a clip has fewer than K frames
  template <Value X>
  static X of(const X& clips, Rng& rng) {
    using T = typename X::Scalar;
    using B = typename X::Backend;
    const Shape& shape = clips.shape();
    require(shape.rank() >= 3 && shape[1] >= K, "RandomFrames: ", K, " frames of clips of shape ", shape,
            "; needs (N, T, …, C) with as many");
    const Index n = shape[0], frames = shape[1];
    // Frame t is the r-th of the K if r others have drawn a smaller number. In double no two are equal.
    const auto u = uniform<double, B>({n, 1, frames}, rng);             // (N, 1, T)
    const auto rank = sum(less(reshape(u, {n, frames, 1}), u), {1});    // (N, 1, T)
    const auto number = reshape(arange<double, B>(K), {1, K, 1});       // (1, K, 1)
    const auto taken = lift_like(clips, cast<T>(equal(number, rank)));  // (N, K, T), one 1 in a row
    const X rows = reshape(clips, {n, frames, shape.size() / std::max<Index>(n * frames, 1)});  // (N, T, H·W·C)
    Shape images{n * K};
    for (const Index extent : shape.part(2, shape.rank())) images.push_back(extent);
    return reshape(matmul(taken, rows), images);
  }
};

/// Clips or images at 1/S of their height and width, by means over blocks of S×S pixels.
template <int S = 2>
struct Downsampled {
  static_assert(S > 0, "Downsampled<S>: needs a factor of at least 1");
  /// @throws Error  if S does not divide the extents
  template <Value X>
  static X of(const X& x, Rng&) {
    return avg_pool(x, Extent{1, S, S});
  }
};

/// The differences between consecutive frames: (N, T, …, C) → (N, T − 1, …, C).
struct Differences {
  /// @throws Error  if there are fewer than two frames
  template <Value X>
  static X of(const X& x, Rng&) {
    const Index frames = x.shape().rank() >= 3 ? x.shape()[1] : 0;
    require(frames > 1, "Differences: clips of shape ", x.shape(), "; needs (N, T, …, C) of two frames at least");
    return slice(x, 1, 1, frames) - slice(x, 1, 0, frames - 1);
  }
};

/// The composition of views, applied in this order: Then<RandomFrames<8>, Downsampled<2>>.
template <class... Views>
struct Then {
  template <Value X>
  static X of(X x, Rng& rng) {
    ((x = Views::of(x, rng)), ...);
    return x;
  }
};

}  // namespace flipbook::view
