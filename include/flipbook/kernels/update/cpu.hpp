// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/backend/cpu/elementwise/map.hpp>
#include <flipbook/core/compiled.hpp>
#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA::kernel {

namespace detail {

template <class V, class F, class Load, class Store, class T, class... Memory>
void update_at(const F& f, const Load& load, const Store& store, const T* gradient, T* parameter, Memory*... memory) {
  const V g = load(gradient);
  V p = load(parameter);
  [&](auto... m) {
    f(g, p, m...);
    store(p, parameter);
    (store(m, memory), ...);
  }(load(memory)...);
}

}  // namespace detail

/// Applies f(g, p, m…) element by element, which changes the parameter p and the optimiser's state m… in place, in one
/// pass. f is written for vectors.
template <class T, class F, class... Memory>
void update(Cpu, const F& f, const Tensor<T, Cpu>& gradient, Tensor<T, Cpu> parameters, Memory... memories) {
  if constexpr (compiled<T, F>) {
    from_library<"update">(update<T, F, Memory...>)(Cpu{}, f, gradient, parameters, memories...);
  } else {
    using V = cpu::Simd<T>;
    // Each range has a copy of f, whose constants stay in registers: those of a shared f are loaded for each vector.
    const auto pass = [](const F f, Index first, Index last, const T* g, T* p, auto*... m) {
      Index i = first;
      const auto load = [](const T* from) { return V::load_unaligned(from); };
      const auto store = [](const V& v, T* to) { v.store_unaligned(to); };
      for (; i + cpu::lanes<T> <= last; i += cpu::lanes<T>)
        detail::update_at<V>(f, load, store, g + i, p + i, (m + i)...);
      const auto load_rest = [rest = last - i](const T* from) { return cpu::load_part(from, rest); };
      const auto store_rest = [rest = last - i](const V& v, T* to) { cpu::store_part(v, to, rest); };
      if (i < last) detail::update_at<V>(f, load_rest, store_rest, g + i, p + i, (m + i)...);
    };
    parallel_for(parameters.size(), cpu::map_grain, [&](Index first, Index last) {
      pass(f, first, last, gradient.data(), parameters.data(), memories.data()...);
    });
  }
}

}  // namespace flipbook::kernel
