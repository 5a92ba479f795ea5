#pragma once

#include <flipbook/core/intrinsics.hpp>
#include <flipbook/core/scalar.hpp>

#include <xsimd/xsimd.hpp>

namespace flipbook {

namespace detail {
template <class V>
struct LaneOf {
  using Type = V;
};
template <class T, class A>
struct LaneOf<xsimd::batch<T, A>> {
  using Type = T;
};
}  // namespace detail

/// The number in V's own precision, in every lane.
template <class V>
V constant(double value) {
  return V(static_cast<typename detail::LaneOf<V>::Type>(value));
}

/// Functions of one number or of a whole vector register: what element-wise kernels are written in, so
/// that one expression serves both.
namespace math {

using xsimd::abs;
using xsimd::erf;
using xsimd::expm1;
using xsimd::log;
using xsimd::log1p;
using xsimd::max;
using xsimd::min;
using xsimd::select;
using xsimd::sqrt;
using xsimd::tanh;

/// eˣ. xsimd makes an integer of the exponent, which ±∞ has not: beyond ±10⁴ the result is 0 or ∞ all the same.
/// NaN, as the second operand, passes both bounds.
template <class V>
V exp(const V& x) {
  return xsimd::exp(min(constant<V>(1e4), max(constant<V>(-1e4), x)));
}

template <class V>
V sigmoid(const V& x) {
  return V(1) / (V(1) + exp(-x));
}
/// log(1 + e^x), without overflow.
template <class V>
V softplus(const V& x) {
  return max(x, V(0)) + log1p(exp(-abs(x)));
}
template <class V>
V square(const V& x) {
  return x * x;
}
/// The sign of x as -1, 0 or 1.
template <class V>
V sign(const V& x) {
  return select(x > V(0), V(1), select(x < V(0), V(-1), V(0)));
}

}  // namespace math

namespace cpu {

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

}  // namespace cpu
}  // namespace flipbook
