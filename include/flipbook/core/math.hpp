// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <utility>

#include <flipbook/core/intrinsics.hpp>
#include <flipbook/core/scalar.hpp>

#include <xsimd/xsimd.hpp>

#if XSIMD_WITH_NEON64
// On 64-bit Arm, xsimd (8.1 to 14.3) computes quotients and square roots of float vectors from estimates, as 32-bit Arm
// must. Their last digits are wrong, x/y is also wrong for y near either end of float's range, and √∞ is NaN.
namespace xsimd::kernel {
template <>
inline batch<float, default_arch> div(batch<float, default_arch> const& x, batch<float, default_arch> const& y,
                                      requires_arch<neon>) noexcept {
  return vdivq_f32(x, y);
}
template <>
inline batch<float, default_arch> sqrt(batch<float, default_arch> const& x, requires_arch<neon>) noexcept {
  return vsqrtq_f32(x);
}
}  // namespace xsimd::kernel
#endif

namespace flipbook::inline FLIPBOOK_ISA {

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

/// The number in V's precision, in every lane.
template <class V>
constexpr V constant(double value) {
  return V(static_cast<typename detail::LaneOf<V>::Type>(value));
}

/// Functions of one number or of a vector register, so that one expression of an element-wise kernel serves both. They
/// and the functors that call them are constexpr, since nvcc then lets devices call them. Calls among them are
/// qualified by math::, since the vectors' namespace has functions of the same names.
namespace math {

#define FLIPBOOK_FUNCTION(name)                                \
  template <class V>                                           \
  constexpr V name(const V& x) {                               \
    if constexpr (std::floating_point<V>) return std::name(x); \
    else return xsimd::name(x);                                \
  }
FLIPBOOK_FUNCTION(abs)
FLIPBOOK_FUNCTION(log)
FLIPBOOK_FUNCTION(log1p)
FLIPBOOK_FUNCTION(sqrt)
#undef FLIPBOOK_FUNCTION

/// a if the condition holds, otherwise b.
template <class Condition, class V>
constexpr V select(const Condition& condition, const V& a, const V& b) {
  if constexpr (std::floating_point<V>) return condition ? a : b;
  else return xsimd::select(condition, a, b);
}
/// The larger of a and b; b if either is NaN, as in x86's vector instructions (Arm's return NaN).
template <class V>
constexpr V max(const V& a, const V& b) {
  if constexpr (std::floating_point<V> || !XSIMD_WITH_SSE2) return math::select(a > b, a, b);
  else return xsimd::max(a, b);
}
/// The smaller of a and b; b if either is NaN.
template <class V>
constexpr V min(const V& a, const V& b) {
  if constexpr (std::floating_point<V> || !XSIMD_WITH_SSE2) return math::select(a < b, a, b);
  else return xsimd::min(a, b);
}

/// The largest integer that is not above x. Numbers too large for a fraction, ±∞ and NaN are returned unchanged: xsimd
/// may convert its lanes to integers and back.
template <class V>
constexpr V floor(const V& x) {
  if constexpr (std::floating_point<V>) {
    return std::floor(x);
  } else {
    const auto small = math::abs(x) < constant<V>(std::same_as<typename V::value_type, float> ? 0x1p23 : 0x1p52);
    return xsimd::select(small, xsimd::floor(xsimd::select(small, x, V(0))), x);
  }
}

/// The integer nearest to x, ties to even. Numbers too large for a fraction, ±∞ and NaN are returned unchanged, as in
/// `floor`.
template <class V>
constexpr V round(const V& x) {
  if constexpr (std::floating_point<V>) {
    return std::nearbyint(x);
  } else {
    const auto small = math::abs(x) < constant<V>(std::same_as<typename V::value_type, float> ? 0x1p23 : 0x1p52);
    return xsimd::select(small, xsimd::nearbyint(xsimd::select(small, x, V(0))), x);
  }
}

/// f(x) with x clamped to ±10⁴, where these functions have reached their limits: xsimd's f converts an exponent to an
/// integer, which ±∞ does not have. NaN passes through both bounds as their second operand. For double, NaN is replaced
/// by 0 and restored afterwards, since a loop converts the lanes to integers, which is undefined behaviour for NaN.
template <class F, class V>
V within_bounds(const F& f, const V& x) {
  const V bounded = math::min(constant<V>(1e4), math::max(constant<V>(-1e4), x));
  if constexpr (std::same_as<typename V::value_type, float>) return f(bounded);
  else return xsimd::select(x == x, f(xsimd::select(x == x, bounded, V(0))), x);
}
template <class V>
constexpr V exp(const V& x) {
  if constexpr (std::floating_point<V>) return std::exp(x);
  else return within_bounds([](const V& y) { return xsimd::exp(y); }, x);
}
template <class V>
constexpr V expm1(const V& x) {
  if constexpr (std::floating_point<V>) return std::expm1(x);
  else return within_bounds([](const V& y) { return xsimd::expm1(y); }, x);
}

/// c[0] + c[1]·x + c[2]·x² + … for a vector x.
template <class V, std::size_t N>
V polynomial(const V& x, const std::array<double, N>& c) {
  V y = constant<V>(c[N - 1]);
  [&]<std::size_t... I>(std::index_sequence<I...>) { ((y = xsimd::fma(y, x, constant<V>(c[N - 2 - I]))), ...); }
  (std::make_index_sequence<N - 1>{});
  return y;
}
/// 2ᵗ for a vector of float, −100 ≤ t ≤ 0: 2ᶠ for |f| ≤ ½ by a polynomial with an error below 2·10⁻⁸.
template <class V>
V small_power(const V& t) {
  constexpr std::array terms{1.00000012, 0.693146944, 0.240221202, 0.0555071309, 0.00967554096, 0.00132764713};
  const V whole = xsimd::nearbyint(t);
  return xsimd::ldexp(polynomial(t - whole, terms), xsimd::to_int(whole));
}
/// 2/√π ∫₀ˣ exp(−t²) dt. For vectors of float: x + x·p(x²) near 0, elsewhere ±(1 − 2⁻ᵗ) with t = |x|·q(|x|), by
/// polynomials fitted to an error below 2·10⁻⁸. The total error is below 2 ulp.
template <class V>
constexpr V erf(const V& x) {
  if constexpr (std::floating_point<V>) {
    return std::erf(x);
  } else if constexpr (std::same_as<typename V::value_type, double>) {
    return within_bounds([](const V& y) { return xsimd::erf(y); }, x);
  } else {
    constexpr std::array p{0.128379151, -0.376125246, 0.112821408, -0.0267789084, 0.00501196273, -0.000609036011};
    constexpr std::array q{1.62811017, 0.917120337, 0.151896819, -0.0330464169, 0.00464544259, -0.000309595169};
    const V size = math::abs(x), bounded = math::min(constant<V>(4), size);  // 1 from 4 on
    const V far = V(1) - small_power(-bounded * polynomial(bounded, q));
    return math::select(size < constant<V>(0.9), xsimd::fma(x, polynomial(x * x, p), x), xsimd::copysign(far, x));
  }
}
/// The hyperbolic tangent. For vectors of float: x + x·x²·p(x²) near 0, elsewhere ±(1 − e)/(1 + e) with e = exp(−2|x|).
/// The error is below 3 ulp.
template <class V>
constexpr V tanh(const V& x) {
  if constexpr (std::floating_point<V>) {
    return std::tanh(x);
  } else if constexpr (std::same_as<typename V::value_type, double>) {
    return within_bounds([](const V& y) { return xsimd::tanh(y); }, x);
  } else {
    constexpr std::array p{-0.333325975, 0.133131166, -0.0522118049, 0.0156126297};
    const V size = math::abs(x), bounded = math::min(constant<V>(10), size);  // 1 from 10 on
    const V e = small_power(bounded * constant<V>(-2 * std::numbers::log2e)), square = x * x;
    const V near = xsimd::fma(x, square * polynomial(square, p), x), far = (V(1) - e) / (V(1) + e);
    return math::select(size < constant<V>(0.6), near, xsimd::copysign(far, x));
  }
}
template <class V>
constexpr V sigmoid(const V& x) {
  return V(1) / (V(1) + math::exp(-x));
}
/// log(1 + e^x), without overflow.
template <class V>
constexpr V softplus(const V& x) {
  return math::max(x, V(0)) + math::log1p(math::exp(-math::abs(x)));
}
template <class V>
constexpr V square(const V& x) {
  return x * x;
}
/// The sign of x as -1, 0 or 1.
template <class V>
constexpr V sign(const V& x) {
  return math::select(x > V(0), V(1), math::select(x < V(0), V(-1), V(0)));
}

}  // namespace math

}  // namespace flipbook
