// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>

#include <flipbook/core/math.hpp>

namespace flipbook::inline FLIPBOOK_ISA::math {

namespace detail {

/// f(x) in the lanes where `chosen` is not zero, `otherwise` in the others.
template <class V, class F>
V by_lane(const F& f, const V& x, const V& chosen, const V& otherwise) {
  using T = typename V::value_type;
  alignas(V) T from[V::size], where[V::size], y[V::size];
  x.store_aligned(from), chosen.store_aligned(where), otherwise.store_aligned(y);
  for (std::size_t i = 0; i < V::size; ++i) {
    if (where[i] != 0) y[i] = f(from[i]);
  }
  return V::load_aligned(y);
}

/// The constants of sin and cos for vectors of T, from Moshier's Cephes library.
template <class T>
struct Trig;
template <>
struct Trig<float> {
  static constexpr double bound = 8192;  ///< of the reduction to [−π/4, π/4]
  static constexpr std::array half_pi{1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8};  ///< π/2 in parts
  static constexpr std::array sine{-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4};
  static constexpr std::array cosine{4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5};
};
template <>
struct Trig<double> {
  static constexpr double bound = 65536;
  static constexpr std::array half_pi{1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624879595063154e-21};
  static constexpr std::array sine{-1.66666666666666307295e-1, 8.33333333332211858878e-3,  -1.98412698295895385996e-4,
                                   2.75573136213857245213e-6,  -2.50507477628578072866e-8, 1.58962301576546568060e-10};
  static constexpr std::array cosine{4.16666666666665929218e-2, -1.38888888888730564116e-3,
                                     2.48015872888517045348e-5, -2.75573141792967388112e-7,
                                     2.08757008419747316778e-9, -1.13585365213876817300e-11};
};

/// sin(x + shift · π/2) for a vector: x = n·π/2 + r with |r| ≤ π/4, and a polynomial in r² for the sine or cosine of r,
/// depending on n. Lanes beyond `bound`, where the reduction loses digits, call `exact`. (xsimd's functions choose one
/// reduction for all lanes, so that the value of a lane depends on its neighbours.)
template <class V, class F>
V shifted_sine(const V& x, int shift, const F& exact) {
  using C = Trig<typename V::value_type>;
  const auto inside = math::abs(x) <= constant<V>(C::bound);
  const V bounded = xsimd::select(inside, x, V(0)), n = xsimd::nearbyint(bounded * constant<V>(2 / std::numbers::pi));
  V r = xsimd::fnma(n, constant<V>(C::half_pi[0]), bounded);
  r = xsimd::fnma(n, constant<V>(C::half_pi[1]), r);
  r = xsimd::fnma(n, constant<V>(C::half_pi[2]), r);
  const V square = r * r;
  const V sine = xsimd::fma(r, square * polynomial(square, C::sine), r);
  const V near_one = xsimd::fnma(constant<V>(0.5), square, V(1));
  const V cosine = xsimd::fma(square * square, polynomial(square, C::cosine), near_one);
  const V turns = n + constant<V>(shift), quadrant = turns - V(4) * math::floor(turns * constant<V>(0.25));
  const V odd = quadrant - V(2) * math::floor(quadrant * constant<V>(0.5));
  const V size = xsimd::select(odd > V(0), cosine, sine), y = xsimd::select(quadrant > constant<V>(1.5), -size, size);
  if (xsimd::all(inside)) return y;
  return by_lane(exact, x, V(xsimd::select(inside, V(0), V(1))), y);
}

}  // namespace detail

/// The sine, with an error below 2 units in the last place of 1; `cos` alike.
template <class V>
constexpr V sin(const V& x) {
  if constexpr (std::floating_point<V>) return std::sin(x);
  else return detail::shifted_sine(x, 0, [](auto lane) { return std::sin(lane); });
}
template <class V>
constexpr V cos(const V& x) {
  if constexpr (std::floating_point<V>) return std::cos(x);
  else return detail::shifted_sine(x, 1, [](auto lane) { return std::cos(lane); });
}

/// x to the power of a number: by multiplications for integer exponents up to ±8, by a square root for ½, otherwise by
/// the standard library's pow in each lane.
template <class V>
constexpr V pow(const V& x, double exponent) {
  const double size = exponent < 0 ? -exponent : exponent;
  if (size <= 8 && size == static_cast<double>(static_cast<int>(size))) {
    V y(1), square = x;
    for (int rest = static_cast<int>(size); rest > 0; rest /= 2) {
      if (rest % 2 == 1) y = y * square;
      square = square * square;
    }
    return exponent < 0 ? V(1) / y : y;
  }
  if (exponent == 0.5) return math::sqrt(x);
  if constexpr (std::floating_point<V>) {
    return std::pow(x, static_cast<V>(exponent));
  } else {
    using T = typename V::value_type;
    return detail::by_lane([exponent](T lane) { return std::pow(lane, static_cast<T>(exponent)); }, x, V(1), x);
  }
}

}  // namespace flipbook::math
