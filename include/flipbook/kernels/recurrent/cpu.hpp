// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <flipbook/backend/cpu/recurrent/recurrent.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// next (2, …, H) = h', then c'.
template <class T, class Order>
void lstm(Cpu, const Order& order, Tensor<T, Cpu>& next, std::span<const Tensor<T, Cpu>> gates,
          const Tensor<T, Cpu>& c) {
  if constexpr (compiled<T>) {
    from_library<"lstm">(lstm<T, Order>)(Cpu{}, order, next, gates, c);
  } else {
    const Index hidden = c.extent(-1), rows = hidden == 0 ? 0 : c.size() / hidden;
    cpu::lstm(order, rows, hidden, gates[0].data(), c.data(), next.data(), next.data() + c.size());
  }
}

template <class T, class Order>
void lstm_gradient(Cpu, const Order& order, Tensor<T, Cpu>& d_gates, Tensor<T, Cpu>& d_c,
                   std::span<const Tensor<T, Cpu>> gates, const Tensor<T, Cpu>& c, const Tensor<T, Cpu>& dh,
                   const Tensor<T, Cpu>& dc) {
  if constexpr (compiled<T>) {
    from_library<"lstm_gradient">(lstm_gradient<T, Order>)(Cpu{}, order, d_gates, d_c, gates, c, dh, dc);
  } else {
    const Index hidden = c.extent(-1), rows = hidden == 0 ? 0 : c.size() / hidden;
    cpu::lstm_gradient(order, rows, hidden, gates[0].data(), c.data(), dh.data(), dc.data(), d_gates.data(),
                       d_c.data());
  }
}

template <class T>
void gru(Cpu, Tensor<T, Cpu>& next, const Tensor<T, Cpu>& x_gates, const Tensor<T, Cpu>& h_gates,
         const Tensor<T, Cpu>& h) {
  if constexpr (compiled<T>) {
    from_library<"gru">(gru<T>)(Cpu{}, next, x_gates, h_gates, h);
  } else {
    const Index hidden = h.extent(-1), rows = hidden == 0 ? 0 : h.size() / hidden;
    cpu::gru(rows, hidden, x_gates.data(), h_gates.data(), h.data(), next.data());
  }
}

template <class T>
void gru_gradient(Cpu, Tensor<T, Cpu>& d_x_gates, Tensor<T, Cpu>& d_h_gates, Tensor<T, Cpu>& d_h,
                  const Tensor<T, Cpu>& x_gates, const Tensor<T, Cpu>& h_gates, const Tensor<T, Cpu>& h,
                  const Tensor<T, Cpu>& dy) {
  if constexpr (compiled<T>) {
    from_library<"gru_gradient">(gru_gradient<T>)(Cpu{}, d_x_gates, d_h_gates, d_h, x_gates, h_gates, h, dy);
  } else {
    const Index hidden = h.extent(-1), rows = hidden == 0 ? 0 : h.size() / hidden;
    cpu::gru_gradient(rows, hidden, x_gates.data(), h_gates.data(), h.data(), dy.data(), d_x_gates.data(),
                      d_h_gates.data(), d_h.data());
  }
}

}  // namespace flipbook::kernel
