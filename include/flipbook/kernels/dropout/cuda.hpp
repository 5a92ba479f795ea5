// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/random/dropout.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/dropout/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// Dropout with the same random numbers as on the CPU.
template <class T>
void dropout(Cuda, const Rng& stream, std::uint32_t threshold, Wide<T> scale, const Tensor<T, Cuda>& x,
             Tensor<T, Cuda>& y) {
  constexpr int blocks = static_cast<int>(dropout_run / 4);
  const Index runs = (x.size() + dropout_run - 1) / dropout_run;
  cuda::launch_each(cuda::dropout<blocks, T>, runs * blocks, cuda::draws(stream), threshold, scale, x.size(), x.data(),
                    y.data());
}

}  // namespace flipbook::kernel
