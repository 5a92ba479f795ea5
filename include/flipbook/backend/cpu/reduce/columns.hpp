// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <flipbook/backend/cpu/simd/simd.hpp>

/// Column-wise kernels on a block of rows, with a strip of columns in registers.

namespace flipbook::inline FLIPBOOK_ISA::cpu::detail {

// One number or one vector of them.
template <class V, class T>
V load(const T* from) {
  if constexpr (std::is_arithmetic_v<V>) return *from;
  else return V::load_unaligned(from);
}
template <class V, class T>
void store(const V& v, T* to) {
  if constexpr (std::is_arithmetic_v<V>) *to = v;
  else v.store_unaligned(to);
}

/// The first column of the k-th register of a strip.
template <class V>
constexpr Index column(std::size_t k) {
  if constexpr (std::is_arithmetic_v<V>) return static_cast<Index>(k);
  else return static_cast<Index>(k * V::size);
}

/// Calls body.template operator()<V, K>(first) for strips of K registers that together cover the columns: strips of
/// several vectors, which leave registers for more sums, then of one vector, then of one number.
template <Real T, class Body>
void each_strip(Index columns, const Body& body) {
  constexpr std::size_t wide = sizeof(Simd<T>) == 64 ? 8 : 4;  // of 32 registers, or of 16
  constexpr Index strip = static_cast<Index>(wide) * lanes<T>;
  Index j = 0;
  for (; j + strip <= columns; j += strip) body.template operator()<Simd<T>, wide>(j);
  for (; j + lanes<T> <= columns; j += lanes<T>) body.template operator()<Simd<T>, 1>(j);
  for (; j < columns; ++j) body.template operator()<T, 1>(j);
}

}  // namespace flipbook::cpu::detail
