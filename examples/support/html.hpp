// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flipbook/log/html.hpp>

/// What HTML and SVG are put together from.
namespace flipbook::examples {

using flipbook::detail::base64;
using flipbook::detail::compact;
using flipbook::detail::data_uri;
using flipbook::detail::escaped;

/// A name as the part of an address after '#': lower case, words joined by '-'.
inline std::string anchor(std::string_view name) {
  std::string id;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z', plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper || plain) id += static_cast<char>(upper ? c - 'A' + 'a' : c);
    else if (!id.empty() && id.back() != '-') id += '-';
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id.empty() ? "part" : id;
}

/// The families that a page compares: each has one colour wherever its name is a label.
struct Families {
  std::vector<std::string> names = {};

  /// The class of a label's colour, "c0" to "c5"; a label that is no family's has the one given, or none.
  std::string colour(std::string_view label, std::size_t otherwise = std::string::npos) const {
    const auto found = std::find(names.begin(), names.end(), label);
    const std::size_t place = found != names.end() ? static_cast<std::size_t>(found - names.begin()) : otherwise;
    return place == std::string::npos ? "plain" : text("c", place % 6);
  }
};

/// A whole number with its thousands apart: "1 234 567" (with narrow spaces that do not break).
inline std::string grouped(long long value) {
  std::string digits = std::to_string(std::abs(value));
  for (std::size_t from_end = 3; from_end < digits.size(); from_end += 3 + 3) {
    digits.insert(digits.size() - from_end, "\u202f");  // three bytes in UTF-8
  }
  return (value < 0 ? "−" : "") + digits;
}

/// Seconds as a person says them: "42 s", "3 min 20 s", "1 h 05 min".
inline std::string duration(double seconds) {
  if (seconds < 9.95) return compact(std::round(seconds * 10) / 10, 2) + " s";
  const long long whole = std::llround(seconds), minutes = whole / 60;
  const auto padded = [](long long n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  if (minutes == 0) return text(whole, " s");
  if (minutes < 60) return text(minutes, " min ", padded(whole % 60), " s");
  return text(minutes / 60, " h ", padded(minutes % 60), " min");
}

}  // namespace flipbook::examples
