// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <limits>

#include <flipbook/backend/cpu/gemm/tile.hpp>

namespace flipbook::inline FLIPBOOK_ISA::cpu {

namespace detail {

/// Coefficients of f^0, f^1, … in the polynomial nearest to 2^f, by relative error, for |f| ≤ 1/2.
template <Real T>
inline constexpr std::array<T, 7> exp2_terms{1.F,
                                             0.69314720573725268F,
                                             0.24022646890639572F,
                                             0.055503287769976638F,
                                             0.0096184889565227916F,
                                             0.001339993120947414F,
                                             0.00015345812158740182F};
template <>
inline constexpr std::array<double, 12> exp2_terms<double>{1.,
                                                           0.69314718055994533,
                                                           0.24022650695910156,
                                                           0.055504108664819921,
                                                           0.0096181291075883351,
                                                           0.001333355814678995,
                                                           0.00015403530462514613,
                                                           1.5252733489960805e-5,
                                                           1.3215433089594629e-6,
                                                           1.0178198033328528e-7,
                                                           7.0741056262456594e-9,
                                                           4.4352809446103362e-10};

}  // namespace detail

/// 2^x in every lane, for the weights of a softmax; x must be below the highest exponent. It is 0 where 2^x would be
/// less than the least normal number, and NaN stays NaN. The relative error is at most 2 units in the last place.
template <Real T>
[[gnu::always_inline]] inline Simd<T> exp2(const Simd<T>& x) {
  using V = Simd<T>;
  using Bits = xsimd::batch<xsimd::as_integer_t<T>>;
  constexpr int fraction = std::numeric_limits<T>::digits - 1, bias = std::numeric_limits<T>::max_exponent - 1;
  // In x + shifter the low bits of the significand are an integer: x rounded, plus the bias of exponents.
  constexpr T shifter = T(3) * static_cast<T>(Index{1} << (fraction - 1)) + T(bias);
  const V bounded = xsimd::max(V(T(-bias)), x);  // the second operand where either is NaN
  const V shifted = bounded + V(shifter);
  const V f = bounded - (shifted - V(shifter));
  constexpr auto& terms = detail::exp2_terms<T>;
  V power(terms.back());
  FLIPBOOK_UNROLL
  for (std::size_t i = 2; i <= terms.size(); ++i) power = multiply_add(power, f, V(terms[terms.size() - i]));
  return power * xsimd::bitwise_cast<V>(xsimd::bitwise_cast<Bits>(shifted) << fraction);
}

}  // namespace flipbook::cpu
