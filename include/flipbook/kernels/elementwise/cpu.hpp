// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

/// y = f(x…), element by element; all of one shape.
template <class T, class F, class... X>
void map(Cpu, const F& f, Tensor<T, Cpu>& y, const X&... x) {
  if constexpr (compiled<T, F>) from_library<"map">(map<T, F, X...>)(Cpu{}, f, y, x...);
  else cpu::map(f, y.size(), y.data(), x.data()...);
}

/// y = f(a, b), where a and b broadcast to the shape of y.
template <class T, class F>
void map_broadcast(Cpu, const F& f, Tensor<T, Cpu>& y, const Tensor<T, Cpu>& a, const Tensor<T, Cpu>& b) {
  if constexpr (compiled<T, F>) from_library<"map_broadcast">(map_broadcast<T, F>)(Cpu{}, f, y, a, b);
  else cpu::map_broadcast(f, y.shape(), y.data(), a.shape(), a.data(), b.shape(), b.data());
}

}  // namespace flipbook::kernel
