// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/nn/layer.hpp>
#include <flipbook/ops/resample/linear.hpp>
#include <flipbook/ops/resample/patches.hpp>
#include <flipbook/ops/resample/pool.hpp>

namespace flipbook::inline FLIPBOOK_ISA::nn {

namespace detail {

/// A layer without parameters that applies `Function::of`.
template <class Function, int In = any, int Out = any, int Dimensions = any>
struct Resampling {
  static constexpr int in = In, out = Out, dimensions = Dimensions;

  template <Real T, class B>
  struct Instance {
    template <Value X>
    X operator()(const X& x) const {
      return Function::of(x);
    }
  };
};

/// Number of positions of a block with `dimensions` axes.
constexpr int volume(const Extent& size, int dimensions) {
  return (dimensions > 2 ? size.t : 1) * (dimensions > 1 ? size.h : 1) * size.w;
}

}  // namespace detail

/// Every position repeated `Factor` times along each axis (nearest neighbour): (N, …, C) → (N, …·Factor, C).
template <Extent Factor>
struct Upsample : detail::Resampling<Upsample<Factor>> {
  static auto of(const Value auto& x) { return upsample_nearest(x, Factor); }
};
/// Linear interpolation, bilinear for images, trilinear for clips: (N, …, C) → (N, …·Factor, C).
template <Extent Factor>
struct UpsampleLinear : detail::Resampling<UpsampleLinear<Factor>> {
  static auto of(const Value auto& x) { return upsample_linear(x, Factor); }
};
/// The mean over every block of positions: (N, …, C) → (N, …/Size, C).
/// @throws Error  if the blocks do not divide the extents
template <Extent Size>
struct AvgPool : detail::Resampling<AvgPool<Size>> {
  static auto of(const Value auto& x) { return avg_pool(x, Size); }
};
/// The maximum over every block of positions: (N, …, C) → (N, …/Size, C).
/// @throws Error  if the blocks do not divide the extents
template <Extent Size>
struct MaxPool : detail::Resampling<MaxPool<Size>> {
  static auto of(const Value auto& x) { return max_pool(x, Size); }
};

/// Channels become positions, in PyTorch's order: (N, …, In) → (N, …·Factor, In / volume). Shi et al., 2016.
template <int In, Extent Factor, int Dimensions = 2>
struct PixelShuffle : detail::Resampling<PixelShuffle<In, Factor, Dimensions>, In,
                                         In / detail::volume(Factor, Dimensions), Dimensions> {
  static_assert(In % detail::volume(Factor, Dimensions) == 0,
                "PixelShuffle<In, Factor>: the factor must divide the channels");
  static auto of(const Value auto& x) { return pixel_shuffle(x, Factor); }
};
/// Positions become channels, the inverse of PixelShuffle: (N, …, In) → (N, …/Factor, In · volume).
/// @throws Error  if the factor does not divide the extents
template <int In, Extent Factor, int Dimensions = 2>
struct PixelUnshuffle : detail::Resampling<PixelUnshuffle<In, Factor, Dimensions>, In,
                                           In * detail::volume(Factor, Dimensions), Dimensions> {
  static auto of(const Value auto& x) { return pixel_unshuffle(x, Factor); }
};

/// Space-time patches become the channels of one position each: (N, T, H, W, In) → (N, T/t, H/h, W/w, t·h·w·In).
/// @throws Error  if the patches do not divide the extents
template <int In, Extent Patch, int Dimensions = 3>
struct Patchify
    : detail::Resampling<Patchify<In, Patch, Dimensions>, In, In * detail::volume(Patch, Dimensions), Dimensions> {
  static auto of(const Value auto& x) { return patchify(x, Patch); }
};
/// The inverse of Patchify: (N, T, H, W, In) → (N, T·t, H·h, W·w, In / (t·h·w)).
template <int In, Extent Patch, int Dimensions = 3>
struct Unpatchify
    : detail::Resampling<Unpatchify<In, Patch, Dimensions>, In, In / detail::volume(Patch, Dimensions), Dimensions> {
  static_assert(In % detail::volume(Patch, Dimensions) == 0,
                "Unpatchify<In, Patch>: the patch must divide the channels");
  static auto of(const Value auto& x) { return unpatchify(x, Patch); }
};

}  // namespace flipbook::nn
