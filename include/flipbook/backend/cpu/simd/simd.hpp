// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <flipbook/core/math.hpp>

/// Stands before a loop whose number of passes is a constant, such as over the vectors of a tile or of a line:
/// unrolled, it keeps a small array of them in registers. Compilers do so by themselves at -O3.
///
/// At -O2 they do not, and the array lies in memory.
#if defined(__clang__)
#define FLIPBOOK_UNROLL _Pragma("unroll")
#else
#define FLIPBOOK_UNROLL _Pragma("GCC unroll 16")
#endif

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// The widest vector of T that the compiler's flags allow.
template <Real T>
using Simd = xsimd::batch<T>;

template <Real T>
inline constexpr Index lanes = static_cast<Index>(Simd<T>::size);

/// Whether the machine reads and writes parts of vectors as fast as whole ones.
#ifdef __AVX512F__
inline constexpr bool masked_vectors = true;
#else
inline constexpr bool masked_vectors = false;
#endif

/// The first `count` lanes from memory, the rest zero.
template <Real T>
Simd<T> load_part(const T* from, Index count) {
#ifdef __AVX512F__
  if constexpr (std::same_as<T, float>) return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
  else return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from);
#else
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)] = {};
  for (Index i = 0; i < count; ++i) padded[i] = from[i];
  return Simd<T>::load_aligned(padded);
#endif
}
/// The first `count` lanes to memory.
template <Real T>
void store_part(const Simd<T>& v, T* to, Index count) {
#ifdef __AVX512F__
  if constexpr (std::same_as<T, float>) _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), v);
  else _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), v);
#else
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)];
  v.store_aligned(padded);
  for (Index i = 0; i < count; ++i) to[i] = padded[i];
#endif
}

}  // namespace flipbook::cpu
