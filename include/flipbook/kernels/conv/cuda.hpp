// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cuda/conv/choice.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

template <class T, bool may_group = true>
void conv(Cuda, const ConvGeometry& geometry, Tensor<T, Cuda>& y, const Tensor<T, Cuda>& x, const Tensor<T, Cuda>& w,
          const T* bias) {
  cuda::conv(geometry, x.data(), w.data(), bias, y.data());
}

template <class T, bool may_group = true>
void conv_transpose(Cuda, const ConvGeometry& geometry, Tensor<T, Cuda>& x, const Tensor<T, Cuda>& y,
                    const Tensor<T, Cuda>& w, const T* bias) {
  cuda::conv_transpose(geometry, y.data(), w.data(), bias, x.data());
}

/// @param later  dw is not read before Cuda::settle()
template <class T, bool may_group = true>
void conv_weight(Cuda, const ConvGeometry& geometry, Tensor<T, Cuda>& dw, const Tensor<T, Cuda>& x,
                 const Tensor<T, Cuda>& dy, bool later = false) {
  cuda::conv_weight(geometry, x.data(), dy.data(), dw.data(), later);
}

}  // namespace flipbook::kernel
