// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/gather/gather.hpp>
#include <flipbook/backend/cuda/gather/take_along_axis.hpp>
#include <flipbook/core/random.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/gather/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// The position of the first index outside [0, count), or the number of indices. Waits for the device.
inline Index first_out_of_range(Cuda, const Tensor<std::int32_t, Cuda>& indices, Index count) {
  return cuda::first_out_of_range_of(indices, count);
}

/// y[r, j] = x[r, index[r, j]]
template <class T>
void take_along_axis(Cuda, const Tensor<T, Cuda>& x, const Tensor<std::int32_t, Cuda>& index, Tensor<T, Cuda>& y) {
  cuda::launch_each(cuda::take_along_axis<T>, index.size(), index.size(), places_of_each_row(x, index), x.extent(-1),
                    x.data(), index.data(), y.data());
}

/// x = 0, then x[r, index[r, j]] += y[r, j] in the order of j.
template <class T>
void scatter(Cuda, const Tensor<T, Cuda>& y, const Tensor<std::int32_t, Cuda>& index, Tensor<T, Cuda>& x) {
  cuda::launch_each(cuda::scatter<T>, x.size(), x.size(), places_of_each_row(x, index), x.extent(-1), y.data(),
                    index.data(), x.data());
}

/// index[r] = i with probability exp(x[r, i]) / Σ exp(x[r]). Row r draws from the stream's block r.
template <class T>
void sample_categorical(Cuda, const Tensor<T, Cuda>& x, const Rng& stream, Tensor<std::int32_t, Cuda>& index) {
  cuda::RowPlan plan(index.size(), x.extent(-1), 1);
  plan.threads = 32;
  cuda::launch_rows(cuda::sample_categorical<T>, plan, x.data(), cuda::draws(stream), index.data());
}

}  // namespace flipbook::kernel
