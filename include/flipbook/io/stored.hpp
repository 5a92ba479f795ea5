// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <flipbook/core/tensor.hpp>
#include <flipbook/io/file.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

static_assert(std::endian::native == std::endian::little, "files hold little-endian numbers and are read in place");

/// The number types of files.
enum class Stored { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

namespace detail {

template <class S>
struct Type {
  using type = S;
};

/// Calls `visit` with the Type of `stored`.
template <class Visit>
decltype(auto) with_type(Stored stored, const Visit& visit) {
  switch (stored) {
    case Stored::f64: return visit(Type<double>{});
    case Stored::f32: return visit(Type<float>{});
    case Stored::f16: return visit(Type<half>{});
    case Stored::bf16: return visit(Type<bfloat16>{});
    case Stored::i64: return visit(Type<std::int64_t>{});
    case Stored::i32: return visit(Type<std::int32_t>{});
    case Stored::i16: return visit(Type<std::int16_t>{});
    case Stored::i8: return visit(Type<std::int8_t>{});
    case Stored::u8: return visit(Type<std::uint8_t>{});
    case Stored::boolean: break;
  }
  return visit(Type<bool>{});
}

// Floating-point types convert to each other, integers to any type that represents all their values.
template <class From, class To>
constexpr bool converts() {
  using FromLimits = std::numeric_limits<From>;
  using ToLimits = std::numeric_limits<To>;
  if constexpr (FromLimits::is_integer && ToLimits::is_integer) {
    return FromLimits::digits <= ToLimits::digits && FromLimits::is_signed <= ToLimits::is_signed;
  } else {
    return !FromLimits::is_integer && !ToLimits::is_integer;
  }
}

}  // namespace detail

/// The bytes of an element in a file.
inline std::size_t size_of(Stored stored) {
  return detail::with_type(stored, []<class S>(detail::Type<S>) { return sizeof(S); });
}

/// The type of a file that represents T exactly.
template <Element T>
constexpr Stored stored_as() noexcept {
  if constexpr (std::same_as<T, double>) return Stored::f64;
  if constexpr (std::same_as<T, float>) return Stored::f32;
  if constexpr (std::same_as<T, half>) return Stored::f16;
  if constexpr (std::same_as<T, bfloat16>) return Stored::bf16;
  if constexpr (std::same_as<T, std::int64_t>) return Stored::i64;
  if constexpr (std::same_as<T, std::int32_t>) return Stored::i32;
  if constexpr (std::same_as<T, std::uint8_t>) return Stored::u8;
}

/// The product of extents and `each`, or nothing if it exceeds Index or would without extents of 0, so that the extents
/// of every part can be multiplied. A file's extents are made a Shape only after this check, since Shape::size does not
/// check.
template <class Extents>
std::optional<Index> checked_product(const Extents& extents, std::size_t each = 1) {
  Index product = static_cast<Index>(each);
  bool empty = false;
  for (const auto extent : extents) {
    if (!std::in_range<Index>(extent) || std::cmp_less(extent, 0)) return std::nullopt;
    empty = empty || extent == 0;
    const Index factor = std::max<Index>(static_cast<Index>(extent), 1);
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  }
  return empty ? 0 : product;
}

/// Numbers of a file as a tensor of type T. Floating-point types convert to each other (rounded as by a cast), integers
/// to wider ones; other conversions would lose information and are refused, as is a finite number that T cannot
/// represent.
/// @param bytes  exactly those of the shape; need not be aligned
/// @throws Error if the stored type does not convert; `what` names the tensor
template <Element T>
Tensor<T> from_stored(Stored stored, const Shape& shape, std::span<const std::uint8_t> bytes, std::string_view what) {
  require(bytes.size() == static_cast<std::size_t>(shape.size()) * size_of(stored), what, ": ", bytes.size(),
          " bytes for shape ", shape);
  return detail::with_type(stored, [&]<class S>(detail::Type<S>) -> Tensor<T> {
    if constexpr (std::same_as<S, T>) {
      Tensor<T> x(shape);
      if (!bytes.empty()) std::memcpy(x.data(), bytes.data(), bytes.size());
      return x;
    } else if constexpr (detail::converts<S, T>()) {
      Tensor<T> x(shape);
      const std::uint8_t* from = bytes.data();
      for (T& element : x) {
        // A flag may be any byte, and a bool other than 0 and 1 is undefined.
        std::conditional_t<std::same_as<S, bool>, std::uint8_t, S> value;
        std::memcpy(&value, from, sizeof(value));
        from += sizeof(value);
        if constexpr (std::same_as<S, bool>) element = static_cast<T>(value != 0);
        else if constexpr (Short<T>) element = T(static_cast<float>(value));
        else element = static_cast<T>(value);
        if constexpr (!std::numeric_limits<S>::is_integer) {
          const auto before = static_cast<double>(value), after = static_cast<double>(element);
          require(before - before != 0 || after - after == 0, what, ": element ", &element - x.data(),
                  " is larger than ", name_of<T>(), " can hold");
        }
      }
      return x;
    } else {
      fail(what, ": its numbers do not convert to ", name_of<T>());
    }
  });
}

/// A tensor's elements as the bytes of a file.
template <class T>
std::span<const std::uint8_t> as_bytes(const Tensor<T, Cpu>& x) {
  return {reinterpret_cast<const std::uint8_t*>(x.data()), static_cast<std::size_t>(x.size()) * sizeof(T)};
}

}  // namespace flipbook
