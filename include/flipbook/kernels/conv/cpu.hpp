#pragma once

#include <flipbook/backend/cpu/conv/conv.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/conv/geometry.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

template <class T>
void conv(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& w,
          const T* bias) {
  cpu::conv(geometry, x.data(), w.data(), bias, y.data());
}

template <class T>
void conv_transpose(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& x, const Tensor<T, Cpu>& y,
                    const Tensor<T, Cpu>& w, const T* bias) {
  cpu::conv_transpose(geometry, y.data(), w.data(), bias, x.data());
}

template <class T>
void conv_weight(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& dw, const Tensor<T, Cpu>& x,
                 const Tensor<T, Cpu>& dy) {
  cpu::conv_weight(geometry, x.data(), dy.data(), dw.data());
}

}  // namespace flipbook::kernel
