#pragma once

#include <flipbook/backend/cuda/reduce.hpp>
#include <flipbook/ops/reduce/cpu.hpp>

namespace flipbook::kernel {

/// y = Σ x over the axes where y, of the same rank, has extent 1 and x has not.
template <class T>
void sum_to(Cuda, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& x) {
  detail::sum_runs(y, x, [](Index outer, Index reduced, Index inner, const T* from, T* to) {
    cuda::sum_middle(outer, reduced, inner, from, to);
  });
}

}  // namespace flipbook::kernel
