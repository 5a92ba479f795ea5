// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/filter/local_filter.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y (frames, H, W, C): the frames x, each pixel filtered with the filter of its block.
/// @throws Error  unless a frame has fewer than 2^31 elements
template <class T>
void local_filter(Cuda, const LocalFilterGeometry& g, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& filters,
                  Tensor<T, Cuda>& y) {
  const cuda::LocalFilterPlan plan(g);
  cuda::with_packs<T>(
      g.channels,
      [&]<int N>() {
        cuda::launch_each(cuda::local_filter<T, N>, y.size() / N, plan, x.data(), filters.data(), y.data());
      },
      x.data(), y.data());
}
/// The adjoint with respect to x.
/// @throws Error  unless a frame has fewer than 2^31 elements
template <class T>
void local_filter_adjoint(Cuda, const LocalFilterGeometry& g, const Tensor<T, Cuda>& y, const Tensor<T, Cuda>& filters,
                          Tensor<T, Cuda>& x) {
  const cuda::LocalFilterPlan plan(g);
  cuda::with_packs<T>(
      g.channels,
      [&]<int N>() {
        cuda::launch_each(cuda::local_filter_adjoint<T, N>, x.size() / N, plan, y.data(), filters.data(), x.data());
      },
      y.data(), x.data());
}
/// The gradient of Σ dy · y with respect to the filters.
/// @throws Error  unless a frame has fewer than 2^31 elements
template <class T>
void local_filter_gradient(Cuda, const LocalFilterGeometry& g, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& dy,
                           Tensor<T, Cuda>& dfilters) {
  if (dfilters.size() == 0) return;
  const cuda::LocalFilterPlan plan(g);
  cuda::with_packs<T>(
      g.channels,
      [&]<int N>() {
        const cuda::RowPlan rows(dfilters.size(), g.block_height() * g.block_width() * g.channels, N);
        cuda::launch_rows(cuda::local_filter_gradient<T, N>, rows, plan, x.data(), dy.data(), dfilters.data());
      },
      x.data(), dy.data());
}

}  // namespace flipbook::kernel
