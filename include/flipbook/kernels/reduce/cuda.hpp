// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/reduce/argmax.hpp>
#include <flipbook/backend/cuda/reduce/reduce.hpp>
#include <flipbook/kernels/reduce/runs.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y = scale · Σ x over the axes where y, of the same rank, has extent 1 and x has not.
template <class T>
void sum_to(Cuda, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& x, double scale = 1) {
  const T* const last = y.data();
  detail::sum_runs(y, x, [=](Index outer, Index reduced, Index inner, const T* from, T* to) {
    cuda::sum_middle(outer, reduced, inner, from, to, to == last ? scale : 1);
  });
}

/// y = scale · Σ f(x), a single number.
template <class T, class F>
void sum_of(Cuda, const F& f, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& x, double scale) {
  cuda::sum_of(x.size(), f, x.data(), y.data(), scale);
}

/// dx = f(dy, x + b), b (C) along the last axis, and db = Σ dx over the others; an empty b is 0.
template <class T, class F>
void map_and_sum_columns(Cuda, const F& f, Tensor<T, Cuda>& dx, Tensor<T, Cuda>& db, const Tensor<T, Cuda>& dy,
                         const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& b) {
  const Index columns = db.size();
  cuda::map_and_sum_columns(columns == 0 ? 0 : x.size() / columns, columns, f, dy.data(), x.data(), b.data(), dx.data(),
                            db.data());
}

/// The index of the first largest element, or of the first smallest, in each row of the last axis.
template <bool largest, class T>
void arg_extreme(Cuda, const Tensor<T, Cuda>& x, Tensor<std::int32_t, Cuda>& index) {
  cuda::launch_rows(cuda::arg_extreme<largest, T>, cuda::RowPlan(index.size(), x.extent(-1), 1), x.data(),
                    index.data());
}

}  // namespace flipbook::kernel
