// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <flipbook/backend/cuda/recurrent/recurrent.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// next (2, …, H) = h', then c', from one array of gates or the sum of two.
template <class T, class Order>
void lstm(Cuda, const Order& order, Tensor<T, Cuda>& next, std::span<const Tensor<T, Cuda>> gates,
          const Tensor<T, Cuda>& c) {
  if (c.size() == 0) return;
  const T *const first = gates.front().data(), *const second = gates.size() == 1 ? nullptr : gates.back().data();
  const Index hidden = c.extent(-1), rows = c.size() / hidden;
  T *const h = next.data(), *const state = h + c.size();
  cuda::with_packs<T>(
      hidden,
      [&]<int N>() {
        cuda::launch_each(cuda::lstm<N, T, Order>, c.size() / N, order, rows, hidden, first, second, c.data(), h,
                          state);
      },
      first, second, c.data(), h);
}

template <class T, class Order>
void lstm_gradient(Cuda, const Order& order, Tensor<T, Cuda>& d_gates, Tensor<T, Cuda>& d_c,
                   std::span<const Tensor<T, Cuda>> gates, const Tensor<T, Cuda>& c, const Tensor<T, Cuda>& dh,
                   const Tensor<T, Cuda>& dc) {
  if (c.size() == 0) return;
  const T *const first = gates.front().data(), *const second = gates.size() == 1 ? nullptr : gates.back().data();
  const Index hidden = c.extent(-1), rows = c.size() / hidden;
  cuda::with_packs<T>(
      hidden,
      [&]<int N>() {
        cuda::launch_each(cuda::lstm_gradient<N, T, Order>, c.size() / N, order, rows, hidden, first, second, c.data(),
                          dh.data(), dc.data(), d_gates.data(), d_c.data());
      },
      first, second, c.data(), dh.data(), dc.data(), d_gates.data(), d_c.data());
}

template <class T>
void gru(Cuda, Tensor<T, Cuda>& next, const Tensor<T, Cuda>& x_gates, const Tensor<T, Cuda>& h_gates,
         const Tensor<T, Cuda>& h) {
  if (h.size() == 0) return;
  const Index hidden = h.extent(-1), rows = h.size() / hidden;
  cuda::with_packs<T>(
      hidden,
      [&]<int N>() {
        cuda::launch_each(cuda::gru<N, T>, h.size() / N, rows, hidden, x_gates.data(), h_gates.data(), h.data(),
                          next.data());
      },
      x_gates.data(), h_gates.data(), h.data(), next.data());
}

template <class T>
void gru_gradient(Cuda, Tensor<T, Cuda>& d_x_gates, Tensor<T, Cuda>& d_h_gates, Tensor<T, Cuda>& d_h,
                  const Tensor<T, Cuda>& x_gates, const Tensor<T, Cuda>& h_gates, const Tensor<T, Cuda>& h,
                  const Tensor<T, Cuda>& dy) {
  if (h.size() == 0) return;
  const Index hidden = h.extent(-1), rows = h.size() / hidden;
  cuda::with_packs<T>(
      hidden,
      [&]<int N>() {
        cuda::launch_each(cuda::gru_gradient<N, T>, h.size() / N, rows, hidden, x_gates.data(), h_gates.data(),
                          h.data(), dy.data(), d_x_gates.data(), d_h_gates.data(), d_h.data());
      },
      x_gates.data(), h_gates.data(), h.data(), dy.data(), d_x_gates.data(), d_h_gates.data(), d_h.data());
}

}  // namespace flipbook::kernel
