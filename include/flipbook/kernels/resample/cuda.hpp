// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/resample/grid_sample.hpp>
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
/// y[index[i]] = x[i] and 0 elsewhere, for distinct indices.
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
/// The adjoint of `interpolate`, from y's extent to x's.
template <class T>
void interpolate_adjoint(Cuda, int axis, const Tensor<T, Cuda>& y, Tensor<T, Cuda>& x) {
  detail::along_axis(axis, x, y, [&]<int N>(Index outer, const LinearTaps& taps, Index inner) {
    cuda::launch_each(cuda::interpolate_adjoint<T, N>, x.size() / N, outer, taps, inner, y.data(), x.data());
  });
}

/// y[n, s, :]: the frames x sampled at the positions grid[n, s].
template <class T>
void grid_sample(Cuda, const Sampling& how, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& grid, Tensor<T, Cuda>& y) {
  cuda::with_packs<T>(
      how.channels,
      [&]<int N>() { cuda::launch_each(cuda::grid_sample<T, N>, y.size() / N, how, x.data(), grid.data(), y.data()); },
      x.data(), y.data());
}
/// The adjoint with respect to x: adds each sample, weighted, to the pixels that it read, in the order of samples.
template <class T>
void grid_sample_adjoint(Cuda, const Sampling& how, const Tensor<T, Cuda>& y, const Tensor<T, Cuda>& grid,
                         Tensor<T, Cuda>& x) {
  cuda::with_packs<T>(
      how.channels,
      [&]<int N>() {
        const cuda::AdjointTiles tiles(how, N);
        cuda::launch(cuda::grid_sample_adjoint<T, N>, cuda::grid_of(tiles.blocks(how.frames)),
                     dim3(cuda::adjoint_threads), 0, how, tiles, y.data(), grid.data(), x.data());
      },
      x.data(), y.data());
}
/// The gradient of Σ dy · y with respect to the positions.
template <class T>
void grid_sample_positions(Cuda, const Sampling& how, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& grid,
                           const Tensor<T, Cuda>& dy, Tensor<T, Cuda>& dgrid) {
  if (dgrid.size() == 0) return;
  const cuda::RowPlan plan(how.frames * how.samples, how.channels, 1);
  cuda::launch_rows(cuda::grid_sample_positions<T>, plan, how, x.data(), grid.data(), dy.data(), dgrid.data());
}

}  // namespace flipbook::kernel
