// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/straight_through.hpp>
#include <flipbook/ops/gather/take_along_axis.hpp>
#include <flipbook/quantizer/digits.hpp>
#include <flipbook/quantizer/quantizer.hpp>

namespace flipbook::inline FLIPBOOK_ISA::quantizer {

namespace detail {

/// h and o of FiniteScalar. The factor 1 + 1e-3 extends the range slightly beyond the outermost levels.
constexpr double half_range(int levels) { return (levels - 1) * (1 + 1e-3) / 2; }
constexpr double half_level(int levels) { return levels % 2 == 0 ? 0.5 : 0; }

}  // namespace detail

/// Finite scalar quantization: component i of z is bounded and rounded to one of Lᵢ levels from −1 to 1. The levels are
/// the digits of a code, the first the least significant:
///
///     b = tanh(z + s)·h − o,   h = (L − 1)(1 + ε)/2,   o = 0 for odd L, ½ for even,   s = artanh(o/h)
///     z′ = round(b) / ⌊L/2⌋,   code = Σᵢ (round(bᵢ) + ⌊Lᵢ/2⌋)·Πⱼ﹤ᵢ Lⱼ
///
/// It has no parameters, and its loss is 0. `FiniteScalar<8, 5, 5, 5>` has 1000 codes. Mentzer et al., Finite scalar
/// quantization: VQ-VAE made simple, 2023.
template <int... Levels>
struct FiniteScalar {
  static_assert(sizeof...(Levels) > 0 && ((Levels > 2) && ...),
                "FiniteScalar<Levels...>: needs levels, at least 3 of each number; of 2 there is LookupFree");
  static constexpr int size = sizeof...(Levels);
  static constexpr int codes = (Levels * ...);
  static_assert(codes > 0 && codes <= detail::most_codes, "FiniteScalar<Levels...>: more than 2²⁰ codes");

  template <Real T, class B>
  struct Instance {
    using W = Wide<T>;  // represents codes exactly
    using Codes = Tensor<std::int32_t, B>;

    /// @throws Error  unless z is (N, …, size)
    template <Value X>
    Quantized<X> quantize(const X& z) const {
      detail::require_size("FiniteScalar", z.shape(), size);
      const X bounded = tanh(z + of<T>(shift())) * of<T>(half) - of<T>(offset);  // (N, …, size)
      const auto digits = cast<W>(round(tensor_of(bounded))) + of<W>(middle);    // 0 … L − 1
      return {straight_through(level(digits), bounded / of<T>(middle)),
              detail::code_of(digits, of<W>(place), FiniteScalar::codes), lift_like(z, zeros<T, B>({z.extent(0)}))};
    }
    /// @throws Error  if a code is outside 0 … codes − 1
    Tensor<T, B> decode(const Codes& which) const {
      flipbook::detail::require_indices("FiniteScalar", which, FiniteScalar::codes);
      return level(detail::digits_of(which, of<W>(place), of<W>(levels)));
    }

   private:
    using Row = std::array<double, sizeof...(Levels)>;
    template <class U>
    static Tensor<U, B> of(const Row& row) {
      return detail::row<U, B>(row);
    }
    static Tensor<T, B> level(const Tensor<W, B>& digits) { return cast<T>((digits - of<W>(middle)) / of<W>(middle)); }

    static constexpr Row levels{static_cast<double>(Levels)...}, place = detail::places(levels);
    static constexpr Row half{detail::half_range(Levels)...}, offset{detail::half_level(Levels)...};
    static constexpr Row middle{(0.5 * (Levels - Levels % 2))...};  // ⌊L/2⌋
    static Row shift() { return {std::atanh(detail::half_level(Levels) / detail::half_range(Levels))...}; }
  };
};

}  // namespace flipbook::quantizer
