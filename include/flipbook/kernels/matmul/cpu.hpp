// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>
#ifndef FLIPBOOK_KERNELS
#include <flipbook/backend/cpu/gemm/gemm.hpp>
#include <flipbook/backend/cpu/gemm/small_products.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// c[i] = op(a[i]) op(b[i]) (+ bias) for each matrix i of the batch.
template <class T>
void matmul(Cpu, bool transpose_a, bool transpose_b, Tensor<T, Cpu>& c, const Tensor<T, Cpu>& a,
            const Tensor<T, Cpu>& b, const T* bias) {
#ifdef FLIPBOOK_KERNELS
  from_library<"matmul">(matmul<T>)(Cpu{}, transpose_a, transpose_b, c, a, b, bias);
#else
  const Index m = c.extent(-2), n = c.extent(-1), k = a.extent(transpose_a ? -2 : -1);
  const Index batch = c.shape().part(0, c.rank() - 2).size();
  const auto layout = [](bool transposed) { return transposed ? cpu::Layout::transposed : cpu::Layout::normal; };
  if (cpu::SmallProducts<T>::fit(m, n, k)) {
    return cpu::SmallProducts<T>({{layout(transpose_a), a.data(), a.extent(-1)}, m * k},
                                 {{layout(transpose_b), b.data(), b.extent(-1)}, k * n}, m, n, k, c.data(), n,
                                 bias)(batch);
  }
  const auto one = [&](Index i) {
    cpu::gemm(layout(transpose_a), layout(transpose_b), m, n, k, a.data() + i * m * k, a.extent(-1),
              b.data() + i * k * n, b.extent(-1), c.data() + i * m * n, n, false, bias);
  };
  if (m * n * k < 64 * 64 * 64) {
    parallel_tasks(batch, one);
  } else {
    for (Index i = 0; i < batch; ++i) one(i);
  }
#endif
}

}  // namespace flipbook::kernel
