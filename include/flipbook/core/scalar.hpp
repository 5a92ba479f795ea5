#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace flipbook {

/// Extents, offsets and counts of elements: signed, so that differences and padding need no care.
using Index = std::ptrdiff_t;

/// Brain floating point: the upper half of a float, with its range and 8 bits of precision. A storage
/// type; arithmetic happens in float. Conversion rounds to nearest, ties to even; NaN stays NaN.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  constexpr explicit bfloat16(float value) noexcept {
    const auto whole = std::bit_cast<std::uint32_t>(value);
    const bool nan = (whole & 0x7fffffffU) > 0x7f800000U;
    const std::uint32_t rounded = whole + 0x7fffU + ((whole >> 16) & 1U);
    bits = static_cast<std::uint16_t>(nan ? (whole >> 16) | 0x40U : rounded >> 16);
  }
  constexpr operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

/// What a network computes in.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;

/// What a tensor may hold: computed with, stored, or used as an index.
template <class T>
concept Element = Real<T> || std::same_as<T, bfloat16> || std::same_as<T, std::uint8_t> ||
                  std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

template <Element T>
constexpr const char* name_of() noexcept {
  if constexpr (std::same_as<T, float>) return "float";
  if constexpr (std::same_as<T, double>) return "double";
  if constexpr (std::same_as<T, bfloat16>) return "bfloat16";
  if constexpr (std::same_as<T, std::uint8_t>) return "uint8";
  if constexpr (std::same_as<T, std::int32_t>) return "int32";
  if constexpr (std::same_as<T, std::int64_t>) return "int64";
}

}  // namespace flipbook
