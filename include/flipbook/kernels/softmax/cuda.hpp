// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/softmax/softmax.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

// Rows are those of the last axis. Shapes are equal, except for tensors with one element per row.

template <class T>
void softmax(Cuda, Index rows, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  const Index n = x.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::softmax<T, N>, {rows, n, N}, x.data(), y.data());
      },
      x.data(), y.data());
}
template <class T>
void log_softmax(Cuda, Index rows, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  const Index n = x.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::log_softmax<T, N>, {rows, n, N}, x.data(), y.data());
      },
      x.data(), y.data());
}
template <class T>
void log_sum_exp(Cuda, Index rows, const Tensor<T, Cuda>& x, Tensor<T, Cuda>& y) {
  const Index n = x.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::log_sum_exp<T, N>, {rows, n, N}, x.data(), y.data());
      },
      x.data());
}
template <class T>
void softmax_gradient(Cuda, Index rows, const Tensor<T, Cuda>& y, const Tensor<T, Cuda>& dy, Tensor<T, Cuda>& dx) {
  const Index n = y.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::softmax_gradient<T, N>, {rows, n, N}, y.data(), dy.data(), dx.data());
      },
      y.data(), dy.data(), dx.data());
}
template <class T>
void log_softmax_gradient(Cuda, Index rows, const Tensor<T, Cuda>& y, const Tensor<T, Cuda>& dy, Tensor<T, Cuda>& dx) {
  const Index n = y.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::log_softmax_gradient<T, N>, {rows, n, N}, y.data(), dy.data(), dx.data());
      },
      y.data(), dy.data(), dx.data());
}
template <class T>
void log_sum_exp_gradient(Cuda, Index rows, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& y,
                          const Tensor<T, Cuda>& dy, Tensor<T, Cuda>& dx) {
  const Index n = x.extent(-1);
  cuda::with_packs<T>(
      n,
      [&]<int N>() {
        cuda::launch_rows(cuda::log_sum_exp_gradient<T, N>, {rows, n, N}, x.data(), y.data(), dy.data(), dx.data());
      },
      x.data(), dx.data());
}

}  // namespace flipbook::kernel
