// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <flipbook/autodiff/apply.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/resample/blocks.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// Each position repeated over a block of positions.
struct RepeatBlocks {
  static constexpr unsigned saves = save::none;
  kernel::Blocks blocks;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(detail::shape_of_blocks(blocks, x.rank() - 2, true, blocks.channels));
    kernel::repeat_blocks(B{}, blocks, x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const;
};

/// The sum over each block of positions: the adjoint of RepeatBlocks.
struct SumBlocks {
  static constexpr unsigned saves = save::none;
  kernel::Blocks blocks;

  template <class T, class B>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(detail::shape_of_blocks(blocks, x.rank() - 2, false, blocks.channels));
    kernel::sum_blocks(B{}, blocks, x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(RepeatBlocks{blocks}, dy); });
  }
};

template <class Saved, class V>
auto RepeatBlocks::vjp(const Saved&, const V& dy) const {
  return gradients([&] { return apply(SumBlocks{blocks}, dy); });
}

template <class B>
struct PutPlaces;

/// y[i] = x[index[i]], with distinct indices.
template <class B>
struct TakePlaces {
  static constexpr unsigned saves = save::none;
  Tensor<std::int64_t, B> index;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(index.shape());
    kernel::take(B{}, index, x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved& saved, const V& dy) const {
    return gradients([&] { return apply(PutPlaces<B>{index, std::get<0>(saved.inputs).shape()}, dy); });
  }
};

/// y[index[i]] = x[i] and 0 elsewhere: the adjoint of TakePlaces.
template <class B>
struct PutPlaces {
  static constexpr unsigned saves = save::none;
  Tensor<std::int64_t, B> index;
  Shape shape;

  template <class T>
  Tensor<T, B> operator()(const Tensor<T, B>& x) const {
    Tensor<T, B> y(shape);
    kernel::put(B{}, index, x, y);
    return y;
  }
  template <class Saved, class V>
  auto vjp(const Saved&, const V& dy) const {
    return gradients([&] { return apply(TakePlaces<B>{index}, dy); });
  }
};

/// Nearest-neighbour upsampling: each position of (N, [T, [H,]] W, C) is repeated `factor` times along each axis.
/// @throws Error  unless the factors are positive
template <Operand X>
auto upsample_nearest(const X& x, const Extent& factor) {
  return apply(RepeatBlocks{detail::blocks_from("upsample_nearest", x.shape(), factor)}, x);
}

/// The mean over each block of positions of (N, [T, [H,]] W, C).
/// @throws Error  if the blocks do not divide the extents
template <Operand X>
auto avg_pool(const X& x, const Extent& size) {
  const auto blocks = detail::blocks_of("avg_pool", x.shape(), size);
  return affine(apply(SumBlocks{blocks}, x), 1.0 / static_cast<double>(blocks.block_size()), 0);
}

/// The maximum of each block of positions of (N, [T, [H,]] W, C), for each channel. The gradient goes to the first of
/// equal elements.
/// @throws Error  if the blocks do not divide the extents
template <Operand X>
auto max_pool(const X& x, const Extent& size) {
  using B = typename X::Backend;
  const auto blocks = detail::blocks_of("max_pool", x.shape(), size);
  Tensor<std::int64_t, B> index(detail::shape_of_blocks(blocks, x.shape().rank() - 2, false, blocks.channels));
  kernel::largest_of_blocks(B{}, blocks, tensor_of(x), index);
  return apply(TakePlaces<B>{index}, x);
}

}  // namespace flipbook
