// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/gemm/blas.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// c[i] = op(a[i]) op(b[i]) (+ bias) (+ onto[i]) for each matrix i of the batch.
template <class T>
void matmul(Cuda, bool transpose_a, bool transpose_b, Tensor<T, Cuda>& c, const Tensor<T, Cuda>& a,
            const Tensor<T, Cuda>& b, const T* bias, const T* onto = nullptr) {
  const cuda::ProductShape shape{transpose_a,
                                 transpose_b,
                                 c.extent(-2),
                                 c.extent(-1),
                                 a.extent(transpose_a ? -2 : -1),
                                 c.shape().part(0, c.rank() - 2).size()};
  cuda::product(shape, a.data(), b.data(), bias, c.data(), onto);
}

}  // namespace flipbook::kernel
