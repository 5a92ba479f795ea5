// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/filter/local_filter.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y (frames, H, W, C): the frames x, each pixel filtered with the filter of its block.
template <class T>
void local_filter(Cpu, const LocalFilterGeometry& g, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& filters,
                  Tensor<T, Cpu>& y) {
  if constexpr (compiled<T>) from_library<"local_filter">(local_filter<T>)(Cpu{}, g, x, filters, y);
  else cpu::local_filter(g, x.data(), filters.data(), y.data());
}
/// The adjoint with respect to x.
template <class T>
void local_filter_adjoint(Cpu, const LocalFilterGeometry& g, const Tensor<T, Cpu>& y, const Tensor<T, Cpu>& filters,
                          Tensor<T, Cpu>& x) {
  if constexpr (compiled<T>) from_library<"local_filter_adjoint">(local_filter_adjoint<T>)(Cpu{}, g, y, filters, x);
  else cpu::local_filter_adjoint(g, y.data(), filters.data(), x.data());
}
/// The gradient of Σ dy · y with respect to the filters.
template <class T>
void local_filter_gradient(Cpu, const LocalFilterGeometry& g, const Tensor<T, Cpu>& x, const Tensor<T, Cpu>& dy,
                           Tensor<T, Cpu>& dfilters) {
  if constexpr (compiled<T>) from_library<"local_filter_gradient">(local_filter_gradient<T>)(Cpu{}, g, x, dy, dfilters);
  else cpu::local_filter_gradient(g, x.data(), dy.data(), dfilters.data());
}

}  // namespace flipbook::kernel
