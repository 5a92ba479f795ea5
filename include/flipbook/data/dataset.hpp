// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Where clips come from: `shape()` is that of every clip, (T, H, W, C), and `clip(i)` the i-th, with
/// values in [0, 1]. `clip` is a pure function of i that many threads may call at once; what is random in
/// a clip is drawn from a stream that i selects, so a source gives the same clips however it is read.
template <class S>
concept Dataset = requires(const S& source, Index i) {
  { source.shape() } -> std::convertible_to<Shape>;
  { source.clip(i) } -> std::same_as<Tensor<float>>;
};

/// A source of `size()` clips; others go on for ever.
template <class S>
concept FiniteDataset = Dataset<S> && requires(const S& source) {
  { source.size() } -> std::convertible_to<Index>;
};

/// A source whose clips a backend can make by itself: `made_on(B{}, source)` is called as (first, count) and gives
/// clips [first, first + count), (N, T, H, W, C), in the backend's memory.
template <class S, class B>
concept MadeOn = requires(const S& source, Index i) {
  { made_on(B{}, source)(i, i) } -> std::same_as<Tensor<float, B>>;
};

/// Clips [first, first + count) of a source, (N, T, H, W, C).
/// @throws Error if a clip is not of the source's shape, and whatever the source throws
template <Dataset Source>
Tensor<float> batch_of(const Source& source, Index first, Index count) {
  const Shape one = source.shape();
  require(one.rank() == 4, "batch_of: a clip has the axes (T, H, W, C), got ", one);
  require(first >= 0 && count >= 0, "batch_of: ", count, " clips from ", first);
  Tensor<float> batch({count, one[0], one[1], one[2], one[3]});
  for (Index i = 0; i < count; ++i) {
    const Tensor<float> clip = source.clip(first + i);  // (T, H, W, C)
    require(clip.shape() == one, "batch_of: clip ", first + i, " is of shape ", clip.shape(), ", not ", one);
    std::copy(clip.begin(), clip.end(), batch.data() + i * one.size());
  }
  return batch;
}

}  // namespace flipbook
