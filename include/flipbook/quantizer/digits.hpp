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

// Codes as numbers whose digits have levels of their own, the first digit the least. They are computed in float, which
// is exact below 2²⁰ codes.
namespace flipbook::inline FLIPBOOK_ISA::quantizer::detail {

inline constexpr int most_codes = 1 << 20;

/// What each digit counts: the product of the levels before it.
template <std::size_t count>
constexpr std::array<double, count> places(std::array<double, count> levels) {
  double place = 1;
  for (double& each : levels) each = std::exchange(place, place * each);
  return levels;
}

/// Digits (N, …, size) of places (size) as a code, (N, …). Digits that are not numbers have a code too, so that no
/// place outside a table is ever read.
template <class W, class B>
Tensor<std::int32_t, B> code_of(const Tensor<W, B>& digits, const Tensor<W, B>& place, int codes) {
  return cast<std::int32_t>(clamp(sum(digits * place, {-1}, true), 0, codes - 1));
}
/// The digits of codes: (N, …) → (N, …, size).
template <class W, class B>
Tensor<W, B> digits_of(const Tensor<std::int32_t, B>& codes, const Tensor<W, B>& place, const Tensor<W, B>& levels) {
  Shape column = codes.shape();
  column.push_back(1);
  const Tensor<W, B> code = cast<W>(codes.reshape(column)) + 0.5;  // of which no place is a whole part
  const auto over = [&](const Tensor<W, B>& of) { return round(code / of - full<W, B>({}, W(0.5))); };  // ⌊code / of⌋
  return over(place) - over(place * levels) * levels;
}

}  // namespace flipbook::quantizer::detail
