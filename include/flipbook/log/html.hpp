// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include <flipbook/core/error.hpp>

/// Helpers for writing HTML and SVG.
namespace flipbook::inline FLIPBOOK_ISA::detail {

/// Text escaped for content and quoted attributes.
inline std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

/// Bytes in base 64 (RFC 4648), padded.
inline std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string coded;
  coded.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < have ? bytes[i + j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) coded += j <= have ? alphabet[group >> (18 - 6 * j) & 63] : '=';
  }
  return coded;
}

/// A file embedded in the page: `data:image/gif;base64,…`.
inline std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes) {
  return text("data:", media_type, ";base64,", base64(bytes));
}

/// A number with the given significant digits, without trailing zeros: "0.25", "1200", "3e-05".
inline std::string compact(double value, int digits = 4) {
  if (std::abs(value) >= std::pow(10.0, digits) && std::abs(value) < 1e7) digits = 7;
  std::array<char, 40> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*g", digits, value);
  return buffer.data();
}

}  // namespace flipbook::detail
