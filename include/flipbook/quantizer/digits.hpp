// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <flipbook/ops/elementwise/binary.hpp>
#include <flipbook/ops/elementwise/unary.hpp>
#include <flipbook/ops/reduce/sum.hpp>
#include <flipbook/quantizer/quantizer.hpp>

// Codes as numbers in a mixed-radix system, least significant digit first. They are computed in float, which is exact
// below 2²⁰ codes.
namespace flipbook::inline FLIPBOOK_ISA::quantizer::detail {

inline constexpr int most_codes = 1 << 20;

/// The place value of each digit: the product of the previous digits' levels.
template <std::size_t count>
constexpr std::array<double, count> places(std::array<double, count> levels) {
  double place = 1;
  for (double& each : levels) each = std::exchange(place, place * each);
  return levels;
}

/// Digits (N, …, size) with place values (size) as codes: (N, …). NaN digits give a code in range too, so that no read
/// is out of bounds.
template <class W, class B>
Tensor<std::int32_t, B> code_of(const Tensor<W, B>& digits, const Tensor<W, B>& place, int codes) {
  return cast<std::int32_t>(clamp(sum(digits * place, {-1}, true), 0, codes - 1));
}
/// The digits of codes: (N, …) → (N, …, size).
template <class W, class B>
Tensor<W, B> digits_of(const Tensor<std::int32_t, B>& codes, const Tensor<W, B>& place, const Tensor<W, B>& levels) {
  Shape column = codes.shape();
  column.push_back(1);
  const Tensor<W, B> code = cast<W>(codes.reshape(column)) + 0.5;  // never a multiple of a place value
  const auto over = [&](const Tensor<W, B>& of) { return round(code / of - full<W, B>({}, W(0.5))); };  // ⌊code / of⌋
  return over(place) - over(place * levels) * levels;
}

}  // namespace flipbook::quantizer::detail
