// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/io/json.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

FLIPBOOK_INLINE std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0), second = byte(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return follows(1) ? 2 : 0;
  if (!follows(1) || !follows(2)) return 0;
  if (first >= 0xe0 && first < 0xf0)
    return (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ? 0 : 3;
  if (!follows(3) || first < 0xf0 || first > 0xf4) return 0;
  return (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90) ? 0 : 4;
}

FLIPBOOK_INLINE std::string to_json(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    require(length > 0, "a string is not UTF-8");
    const char c = text.front();
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      json += escape.data();
    } else {
      if (c == '"' || c == '\\') json += '\\';
      json += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return json + '"';
}

FLIPBOOK_INLINE std::string JsonReader::string() {
  std::string read;
  expect('"');
  while (true) {
    const std::size_t length = utf8_length(text_.substr(at_));
    require(length > 0 && static_cast<unsigned char>(text_[at_]) >= 0x20, "no string of UTF-8 at byte ", at_);
    const char c = text_[at_];
    if (c != '\\') read += text_.substr(at_, length);
    at_ += length;
    if (c == '"') break;
    if (c == '\\') escape(read);
  }
  read.pop_back();  // the quote
  return read;
}

FLIPBOOK_INLINE std::uint64_t JsonReader::number() {
  skip_space();
  std::uint64_t value = 0;
  const char* const first = text_.data() + at_;
  const auto [last, error] = std::from_chars(first, text_.data() + text_.size(), value);
  const auto digits = static_cast<std::size_t>(last - first);
  require(error == std::errc{} && (digits == 1 || *first != '0'), "no whole number of 64 bits at byte ", at_);
  at_ += digits;
  return value;
}

FLIPBOOK_INLINE void JsonReader::end() {
  skip_space();
  require(at_ == text_.size(), "something follows the end, at byte ", at_);
}

FLIPBOOK_INLINE bool JsonReader::accept(char c) {
  skip_space();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

FLIPBOOK_INLINE void JsonReader::escape(std::string& read) {
  constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
  require(at_ < text_.size(), "the text ends within a string");
  const char c = text_[at_++];
  if (const auto known = names.find(c); known != std::string_view::npos) {
    read += meant[known];
    return;
  }
  require(c == 'u', "no escape at byte ", at_ - 1);
  std::uint32_t code = hexadecimal();
  if (code >= 0xd800 && code < 0xdc00) {  // the upper half of a pair that stands for one character
    require(text_.substr(at_, 2) == "\\u", "half a character at byte ", at_);
    at_ += 2;
    const std::uint32_t lower = hexadecimal();
    require(lower >= 0xdc00 && lower < 0xe000, "half a character at byte ", at_);
    code = 0x10000 + ((code - 0xd800) << 10 | (lower - 0xdc00));
  }
  require(code < 0xdc00 || code >= 0xe000, "half a character at byte ", at_);
  append_utf8(read, code);
}

FLIPBOOK_INLINE std::uint32_t JsonReader::hexadecimal() {
  std::uint32_t value = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  require(error == std::errc{} && last == digits.data() + 4, "no four hexadecimal digits at byte ", at_);
  at_ += 4;
  return value;
}

FLIPBOOK_INLINE void JsonReader::append_utf8(std::string& read, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { read += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

}  // namespace flipbook::detail
