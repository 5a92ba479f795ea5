// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>
#include <flipbook/kernels/conv/geometry.hpp>
#ifndef FLIPBOOK_KERNELS
#include <flipbook/backend/cpu/conv/conv.hpp>
#endif

namespace flipbook::inline FLIPBOOK_ISA::kernel {

// may_group: false if there is certainly one group. The kernels of flipbook::kernels check at run time.

template <class T, bool may_group = true>
void conv(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& w,
          const T* bias) {
#ifdef FLIPBOOK_KERNELS
  from_library<"conv">(conv<T>)(Cpu{}, geometry, y, x, w, bias);
#else
  cpu::conv<T, may_group>(geometry, x.data(), w.data(), bias, y.data());
#endif
}

template <class T, bool may_group = true>
void conv_transpose(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& x, const Tensor<T, Cpu>& y,
                    const Tensor<T, Cpu>& w, const T* bias) {
#ifdef FLIPBOOK_KERNELS
  from_library<"conv_transpose">(conv_transpose<T>)(Cpu{}, geometry, x, y, w, bias);
#else
  cpu::conv_transpose<T, may_group>(geometry, y.data(), w.data(), bias, x.data());
#endif
}

template <class T, bool may_group = true>
void conv_weight(Cpu, const ConvGeometry& geometry, Tensor<T, Cpu>& dw, const Tensor<T, Cpu>& x,
                 const Tensor<T, Cpu>& dy) {
#ifdef FLIPBOOK_KERNELS
  from_library<"conv_weight">(conv_weight<T>)(Cpu{}, geometry, dw, x, dy);
#else
  cpu::conv_weight<T, may_group>(geometry, x.data(), dy.data(), dw.data());
#endif
}

}  // namespace flipbook::kernel
