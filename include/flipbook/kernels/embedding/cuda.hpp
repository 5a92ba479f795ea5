// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/gather/gather.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

template <class T>
void gather_rows(Cuda, const Tensor<T, Cuda>& table, const Tensor<std::int32_t, Cuda>& indices, Tensor<T, Cuda>& y) {
  const Index width = table.extent(1);
  cuda::with_packs<T>(
      width,
      [&]<int N>() {
        cuda::launch_each(cuda::gather_rows<T, N>, y.size() / N, indices.size(), table.extent(0), width, table.data(),
                          indices.data(), y.data());
      },
      table.data(), y.data());
}
template <class T>
void add_rows(Cuda, const Tensor<T, Cuda>& y, const Tensor<std::int32_t, Cuda>& indices, Tensor<T, Cuda>& table) {
  const Index rows = table.extent(0), width = table.extent(1);
  cuda::with_packs<T>(
      width,
      [&]<int N>() {
        const Index strips = (width + 32 * N - 1) / (32 * N);
        cuda::launch_each(cuda::add_rows<T, N>, rows * strips * 32, indices.size(), rows, width, y.data(),
                          indices.data(), table.data());
      },
      y.data(), table.data());
}

}  // namespace flipbook::kernel
