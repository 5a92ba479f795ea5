// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/error.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string joined(std::initializer_list<Part> parts) {
  std::string text;
  for (const Part& part : parts) part.append_to(text);
  return text;
}

FLIPBOOK_INLINE std::string printable(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]),
               next = static_cast<unsigned char>(text[std::min(i + 1, text.size() - 1)]);
    const bool controls = c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0);  // the latter in UTF-8
    if (!controls) {
      shown += text[i];
      continue;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const unsigned code = c == 0xc2 ? next : c;
    (shown += "\\x") += digits[code / 16];
    shown += digits[code % 16];
    i += c == 0xc2;
  }
  return shown;
}

FLIPBOOK_INLINE std::string shortened(const std::string& text) {
  constexpr std::size_t most = 4000;  // bytes
  if (text.size() <= most) return text;
  const auto within = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U; };
  std::size_t first = most / 2, last = text.size() - most / 2;
  while (first > 0 && within(first)) --first;  // no character of UTF-8 is cut
  while (last < text.size() && within(last)) ++last;
  return text.substr(0, first) + " [...] " + text.substr(last);
}

FLIPBOOK_INLINE void throw_joined(std::initializer_list<Part> parts) {
  throw Error(shortened(printable(joined(parts))));
}

}  // namespace detail

}  // namespace flipbook
