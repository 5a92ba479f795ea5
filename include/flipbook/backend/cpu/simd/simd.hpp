// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <flipbook/core/math.hpp>

/// Unrolls the next loop, of a constant number of iterations, to keep a small array of vectors in registers.
///
/// Compilers do so by themselves at -O3. At -O2 they do not, and the array is in memory.
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

/// Whether the machine loads and stores parts of vectors as fast as whole ones.
#ifdef __AVX512F__
inline constexpr bool masked_vectors = true;
#else
inline constexpr bool masked_vectors = false;
#endif

#if defined(__AVX2__) && !defined(__AVX512F__)
namespace detail {

/// The mask of a masked load of the first `count` lanes.
template <Real T>
__m256i mask_of(Index count) {
  static constexpr long long words[] = {-1, -1, -1, -1, 0, 0, 0, 0};
  const char* const end = reinterpret_cast<const char*>(words + 4);
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(end - count * static_cast<Index>(sizeof(T))));
}

}  // namespace detail
#endif

/// The first `count` lanes from memory, the rest zero.
template <Real T>
Simd<T> load_part(const T* from, Index count) {
#ifdef __AVX512F__
  if constexpr (std::same_as<T, float>) return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
  else return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from);
#elif defined(__AVX2__)
  if constexpr (std::same_as<T, float>) return _mm256_maskload_ps(from, detail::mask_of<T>(count));
  else return _mm256_maskload_pd(from, detail::mask_of<T>(count));
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
#elif defined(__AVX2__)
  // In pieces: some processors take ten times as long for a masked store as for a whole one.
  if (count == lanes<T>) return v.store_unaligned(to);
  if constexpr (std::same_as<T, float>) {
    __m128 rest = _mm256_castps256_ps128(v);
    if (count & 4) _mm_storeu_ps(to, rest), rest = _mm256_extractf128_ps(v, 1), to += 4;
    if (count & 2) _mm_storel_pi(reinterpret_cast<__m64*>(to), rest), rest = _mm_movehl_ps(rest, rest), to += 2;
    if (count & 1) _mm_store_ss(to, rest);
  } else {
    __m128d rest = _mm256_castpd256_pd128(v);
    if (count & 2) _mm_storeu_pd(to, rest), rest = _mm256_extractf128_pd(v, 1), to += 2;
    if (count & 1) _mm_store_sd(to, rest);
  }
#else
  alignas(Simd<T>) T padded[static_cast<std::size_t>(lanes<T>)];
  v.store_aligned(padded);
  for (Index i = 0; i < count; ++i) to[i] = padded[i];
#endif
}

}  // namespace flipbook::cpu
