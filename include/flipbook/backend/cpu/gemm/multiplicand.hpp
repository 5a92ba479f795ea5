// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <concepts>

#include <flipbook/backend/cpu/simd/simd.hpp>

/// The operands of micro-kernels: numbers, or pairs of bfloat16 numbers in half the memory.

namespace flipbook::inline FLIPBOOK_ISA::cpu {

/// Two bfloat16, consecutive along a reduction, in the bits of a float: the first is in the lower half.
struct BfloatPair {
  float bits = 0;
};

template <class F>
concept Multiplicand = std::same_as<F, float> || std::same_as<F, double> || std::same_as<F, BfloatPair>;

namespace detail {
template <Multiplicand F>
struct SumOf {
  using Type = F;
};
template <>
struct SumOf<BfloatPair> {
  using Type = float;
};
}  // namespace detail

/// The type in which products of F are summed.
template <Multiplicand F>
using Sum = typename detail::SumOf<F>::Type;

/// Number of numbers in one F.
template <Multiplicand F>
inline constexpr Index numbers_in = std::same_as<F, BfloatPair> ? 2 : 1;

/// x · y + sum, fused if the machine can. xsimd 8 leaves fusing to the compiler on some architectures, and Clang does
/// not fuse across statements.
template <class V>
V multiply_add(const V& x, const V& y, const V& sum) {
#if defined(__clang__) && (defined(__FMA__) || defined(__aarch64__))
  using Register = typename V::register_type;
  return V(__builtin_elementwise_fma(Register(x), Register(y), Register(sum)));
#else
  return xsimd::fma(x, y, sum);
#endif
}

// Pairs are compiled only on request, since they double the code to compile, and only if the instruction set of the
// compiler's flags has instructions for them.
#if FLIPBOOK_PAIRS
inline constexpr bool multiplies_pairs = true;

/// sum + both products of the pairs in each lane.
inline Simd<float> multiply_add_pairs(const Simd<float>& x, const Simd<float>& y, const Simd<float>& sum) {
  return _mm512_dpbf16_ps(sum, (__m512bh)x.data, (__m512bh)y.data);
}
/// Stores numbers rounded to bfloat16, as pairs of adjacent lanes.
inline void store_pairs(const Simd<float>& x, BfloatPair* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(x));
}
/// The pairs of the lanes of the first vector with those of the second, rounded to bfloat16.
inline Simd<float> paired(const Simd<float>& first, const Simd<float>& second) {
  const __m512i lower = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(first));
  const __m512i upper = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
  return _mm512_castsi512_ps(_mm512_or_si512(lower, _mm512_slli_epi32(upper, 16)));
}
#else
inline constexpr bool multiplies_pairs = false;
Simd<float> multiply_add_pairs(const Simd<float>& x, const Simd<float>& y, const Simd<float>& sum) = delete;
void store_pairs(const Simd<float>& x, BfloatPair* to) = delete;
Simd<float> paired(const Simd<float>& first, const Simd<float>& second) = delete;
#endif

/// A vector of factors from memory.
template <Multiplicand F>
Simd<Sum<F>> load(const F* from) {
  if constexpr (std::same_as<F, BfloatPair>) return Simd<float>::load_unaligned(&from->bits);
  else return Simd<F>::load_unaligned(from);
}
/// One factor in all lanes.
template <Multiplicand F>
Simd<Sum<F>> broadcast(const F& x) {
  if constexpr (std::same_as<F, BfloatPair>) return Simd<float>(x.bits);
  else return Simd<F>(x);
}
/// sum + the products of two vectors of factors.
template <Multiplicand F>
Simd<Sum<F>> add_product(const Simd<Sum<F>>& x, const Simd<Sum<F>>& y, const Simd<Sum<F>>& sum) {
  if constexpr (std::same_as<F, BfloatPair>) return multiply_add_pairs(x, y, sum);
  else return multiply_add(x, y, sum);
}
/// Writes consecutive numbers of a reduction as factors.
template <Multiplicand F>
void store_factors(const Simd<Sum<F>>& x, F* to) {
  if constexpr (std::same_as<F, BfloatPair>) store_pairs(x, to);
  else x.store_unaligned(to);
}

/// Writes consecutive numbers of a reduction as factors, also in place. `count` is a multiple of numbers_in<F>.
template <Multiplicand F, class T = Sum<F>>
void write_factors(const T* from, Index count, F* to) {
  constexpr Index each = numbers_in<F>;
  Index i = 0;
  for (; i + lanes<T> <= count; i += lanes<T>) store_factors(Simd<T>::load_unaligned(from + i), to + i / each);
  if (i == count) return;
  std::array<F, static_cast<std::size_t>(lanes<T>)> rest;
  store_factors(load_part(from + i, count - i), rest.data());
  std::copy_n(rest.begin(), (count - i) / each, to + i / each);
}

/// Pairs rows of numbers, also in place: to[i · to_pitch + j] is the pair of (2i, j) and (2i + 1, j). `pitch` is the
/// distance between rows of `from`.
/// @param columns  a multiple of lanes
template <std::same_as<BfloatPair> F>
void pair_rows(const Sum<F>* from, Index pitch, Index pairs, Index columns, F* to, Index to_pitch) {
  using V = Simd<Sum<F>>;
  for (Index i = 0; i < pairs; ++i, from += 2 * pitch) {
    for (Index j = 0; j < columns; j += lanes<Sum<F>>) {
      const V pair = paired(V::load_unaligned(from + j), V::load_unaligned(from + pitch + j));
      pair.store_unaligned(&to[i * to_pitch + j].bits);
    }
  }
}

}  // namespace flipbook::cpu
