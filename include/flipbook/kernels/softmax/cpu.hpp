// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/softmax/softmax.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

// Rows are those of the last axis. Shapes are equal, except for tensors with one element per row.

template <class T>
void softmax(Cpu, Index rows, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"softmax">(softmax<T>)(Cpu{}, rows, x, y);
  else cpu::softmax(rows, x.extent(-1), x.data(), y.data());
}
template <class T>
void log_softmax(Cpu, Index rows, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"log_softmax">(log_softmax<T>)(Cpu{}, rows, x, y);
  else cpu::log_softmax(rows, x.extent(-1), x.data(), y.data());
}
template <class T>
void log_sum_exp(Cpu, Index rows, const Tensor<T, Cpu>& x, Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"log_sum_exp">(log_sum_exp<T>)(Cpu{}, rows, x, y);
  else cpu::log_sum_exp(rows, x.extent(-1), x.data(), y.data());
}
template <class T>
void softmax_gradient(Cpu, Index rows, const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& dy, Tensor<T, Cpu>& dx) {
  if constexpr (compiled<T>) from_library<"softmax_gradient">(softmax_gradient<T>)(Cpu{}, rows, y, dy, dx);
  else cpu::softmax_gradient(rows, y.extent(-1), y.data(), dy.data(), dx.data());
}
template <class T>
void log_softmax_gradient(Cpu, Index rows, const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& dy, Tensor<T, Cpu>& dx) {
  if constexpr (compiled<T>) from_library<"log_softmax_gradient">(log_softmax_gradient<T>)(Cpu{}, rows, y, dy, dx);
  else cpu::log_softmax_gradient(rows, y.extent(-1), y.data(), dy.data(), dx.data());
}
template <class T>
void log_sum_exp_gradient(Cpu, Index rows, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& dy,
                          Tensor<T, Cpu>& dx) {
  if constexpr (compiled<T>) from_library<"log_sum_exp_gradient">(log_sum_exp_gradient<T>)(Cpu{}, rows, x, y, dy, dx);
  else cpu::log_sum_exp_gradient(rows, x.extent(-1), x.data(), y.data(), dy.data(), dx.data());
}

}  // namespace flipbook::kernel
