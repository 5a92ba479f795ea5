// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <flipbook/core/math.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The widest vector of T that the compiler's flags allow.
template <Real T>
using Simd = xsimd::batch<T>;

template <Real T>
inline constexpr Index lanes = static_cast<Index>(Simd<T>::size);

/// The first `count` lanes from memory, the rest zero.
template <Real T>
Simd<T> load_part(const T* from, Index count) {
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)] = {};
  for (Index i = 0; i < count; ++i) padded[i] = from[i];
  return Simd<T>::load_aligned(padded);
}
/// The first `count` lanes to memory.
template <Real T>
void store_part(const Simd<T>& v, T* to, Index count) {
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)];
  v.store_aligned(padded);
  for (Index i = 0; i < count; ++i) to[i] = padded[i];
}

}  // namespace flipbook::cpu
