// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <flipbook/core/isa.hpp>

// Whether Cuda is a backend here: under nvcc, or in the tests' emulation.
#if defined(__CUDACC__) || defined(FLIPBOOK_CUDA_EMULATED)
#define FLIPBOOK_CUDA 1
#endif
#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace flipbook::inline FLIPBOOK_ISA {

/// Extents, offsets and counts of elements: signed, so that differences cannot wrap around.
using Index = std::ptrdiff_t;

/// Brain floating point: the upper half of a float, with its range and 8 bits of precision. A storage
/// type; arithmetic happens in float. Conversion rounds to nearest, ties to even; NaN stays NaN.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  template <class Number>
    requires(std::is_arithmetic_v<Number> && !std::same_as<Number, float>)
  constexpr explicit bfloat16(Number number) noexcept : bfloat16(static_cast<float>(number)) {}
  constexpr explicit bfloat16(float value) noexcept {
#ifdef __CUDA_ARCH__
    if (!std::is_constant_evaluated()) {
      bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
      return;
    }
#endif
    const auto whole = std::bit_cast<std::uint32_t>(value);
    const bool nan = (whole & 0x7fffffffU) > 0x7f800000U;
    const std::uint32_t rounded = whole + 0x7fffU + ((whole >> 16) & 1U);
    bits = static_cast<std::uint16_t>(nan ? (whole >> 16) | 0x40U : rounded >> 16);
  }
  constexpr operator float() const noexcept { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
};

/// IEEE half precision: 11 bits of precision, numbers of magnitude 6e-8 to 65504. A storage type; arithmetic happens in
/// float. Conversion rounds to nearest, ties to even; larger values become infinite; NaN stays NaN.
struct half {
  std::uint16_t bits = 0;

  half() = default;
  template <class Number>
    requires(std::is_arithmetic_v<Number> && !std::same_as<Number, float>)
  constexpr explicit half(Number number) noexcept : half(static_cast<float>(number)) {}
  constexpr explicit half(float value) noexcept {
#ifdef __CUDA_ARCH__
    if (!std::is_constant_evaluated()) {
      bits = __half_as_ushort(__float2half_rn(value));
      return;
    }
#endif
    const auto whole = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(whole >> 16 & 0x8000U);
    const std::uint32_t size = whole & 0x7fffffffU;
    std::uint32_t rounded;
    if (size > 0x7f800000U) {
      rounded = 0x7e00U;
    } else if (size >= 0x477ff000U) {  // rounds to 2^16 or more
      rounded = 0x7c00U;
    } else if (size >= 0x38800000U) {
      rounded = (size - 0x38000000U + 0xfffU + (size >> 13 & 1U)) >> 13;
    } else {  // subnormal: multiples of 2^-24, which adding 1/2 puts in the last bits of the sum
      rounded = std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5F) - 0x3f000000U;
    }
    bits = static_cast<std::uint16_t>(sign | rounded);
  }
  constexpr operator float() const noexcept {
#ifdef __CUDA_ARCH__
    if (!std::is_constant_evaluated()) return __half2float(__ushort_as_half(bits));
#endif
    const std::uint32_t sign = (bits & 0x8000U) << 16, size = bits & 0x7fffU;
    if (size >= 0x7c00U) return std::bit_cast<float>(sign | 0x7f800000U | (size & 0x3ffU) << 13);
    if (size >= 0x400U) return std::bit_cast<float>(sign | ((size << 13) + 0x38000000U));
    const float small = static_cast<float>(size) * 0x1p-24F;
    return sign != 0 ? -small : small;
  }
};

/// The 16-bit floating-point types; arithmetic happens in float.
template <class T>
concept Short = std::same_as<T, bfloat16> || std::same_as<T, half>;

/// A scalar of a network; 16-bit scalars on Cuda only.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double> || Short<T>;

namespace detail {
template <class T>
struct WideOf {
  using Type = T;
};
template <Short T>
struct WideOf<T> {
  using Type = float;
};
}  // namespace detail

/// The type of arithmetic and sums for T: float for 16-bit scalars, otherwise T.
template <class T>
using Wide = typename detail::WideOf<T>::Type;

/// The type of a tensor's elements: a scalar, a byte or an index.
template <class T>
concept Element =
    Real<T> || std::same_as<T, std::uint8_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;

/// The name of an element type, for messages.
template <Element T>
constexpr const char* name_of() noexcept {
  if constexpr (std::same_as<T, float>) return "float";
  if constexpr (std::same_as<T, double>) return "double";
  if constexpr (std::same_as<T, bfloat16>) return "bfloat16";
  if constexpr (std::same_as<T, half>) return "half";
  if constexpr (std::same_as<T, std::uint8_t>) return "uint8";
  if constexpr (std::same_as<T, std::int32_t>) return "int32";
  if constexpr (std::same_as<T, std::int64_t>) return "int64";
}

}  // namespace flipbook
