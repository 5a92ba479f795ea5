// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/resample/resample.hpp>
#include <flipbook/core/fill.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

template <class T>
void repeat_blocks(Cuda, const Blocks& blocks, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  cuda::with_packs<T>(
      blocks.channels,
      [&]<int N>() { cuda::launch_each(cuda::repeat_blocks<T, N>, y.size() / N, blocks, x.data(), y.data()); },
      x.data(), y.data());
}
template <class T>
void sum_blocks(Cuda, const Blocks& blocks, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  cuda::with_packs<T>(
      blocks.channels,
      [&]<int N>() { cuda::launch_each(cuda::sum_blocks<T, N>, y.size() / N, blocks, x.data(), y.data()); }, x.data(),
      y.data());
}
template <class T>
void largest_of_blocks(Cuda, const Blocks& blocks, const Tensor<T, Cuda>& x, Tensor<std::int64_t, Cuda>& index) {
  cuda::launch_each(cuda::largest_of_blocks<T>, index.size(), blocks, x.data(), index.data());
}
/// y[i] = x[index[i]].
template <class T>
void take(Cuda, const Tensor<std::int64_t, Cuda>& index, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  cuda::launch_each(cuda::take<T>, y.size(), y.size(), index.data(), x.data(), y.data());
}
/// y[index[i]] = x[i] and 0 elsewhere, for indices that are all different.
template <class T>
void put(Cuda, const Tensor<std::int64_t, Cuda>& index, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  fill(y, T(0));
  cuda::launch_each(cuda::put<T>, x.size(), x.size(), index.data(), x.data(), y.data());
}

namespace detail {
/// Calls body.template operator()<N>(outer, taps, inner) for axis `axis` of `whole`, resized to that of `resized`.
template <class T, class Body>
void along_axis(int axis, const Tensor<T, Cuda>& whole, const Tensor<T, Cuda>& resized, const Body& body) {
  const Shape& shape = whole.shape();
  const Index outer = shape.part(0, axis).size(), inner = shape.part(axis + 1, shape.rank()).size();
  const LinearTaps taps{shape[axis], resized.extent(axis)};
  cuda::with_packs<T>(
      inner, [&]<int N>() { body.template operator()<N>(outer, taps, inner); }, whole.data(), resized.data());
}
}  // namespace detail

/// Resizes one axis of x from its extent to y's.
template <class T>
void interpolate(Cuda, int axis, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  detail::along_axis(axis, x, y, [&]<int N>(Index outer, const LinearTaps& taps, Index inner) {
    cuda::launch_each(cuda::interpolate<T, N>, y.size() / N, outer, taps, inner, x.data(), y.data());
  });
}
/// The adjoint, from y's extent back to x's.
template <class T>
void interpolate_adjoint(Cuda, int axis, const Tensor<T, Cuda>& y, Tensor<T, Cuda>& x) {
  detail::along_axis(axis, x, y, [&]<int N>(Index outer, const LinearTaps& taps, Index inner) {
    cuda::launch_each(cuda::interpolate_adjoint<T, N>, x.size() / N, outer, taps, inner, y.data(), x.data());
  });
}

}  // namespace flipbook::kernel
