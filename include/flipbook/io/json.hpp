// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include <flipbook/core/error.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The length of the UTF-8 character that `text` begins with, or 0 if it begins with none: overlong forms,
/// surrogates and what lies past U+10FFFF are none.
FLIPBOOK_INLINE std::size_t utf8_length(std::string_view text);

/// Text as JSON writes it, in quotes.
/// @throws Error if it is not UTF-8
FLIPBOOK_INLINE std::string to_json(std::string_view text);

/// Reads the JSON that the headers of files are made of: objects, arrays, strings and whole numbers, as the
/// caller expects them one after another. What is nested deeper than the caller goes is an error and not a
/// recursion. (A parser of all JSON would add seconds to every program that stores weights.)
/// Everything throws Error where the text is otherwise: names the place.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  /// Calls `value(key)` where each value begins; it must read it. A key given twice is an error.
  template <class Value>
  void object(const Value& value) {
    std::set<std::string> keys;
    list('{', '}', [&] {
      std::string key = string();
      require(keys.insert(key).second, "'", key, "' stands twice in an object");
      expect(':');
      value(key);
    });
  }

  /// Calls `element()` where each element begins; it must read it.
  template <class Element>
  void array(const Element& element) {
    list('[', ']', element);
  }

  std::string string();

  /// A whole number that is not negative.
  std::uint64_t number();

  /// Nothing but space may follow.
  void end();

 private:
  template <class Item>
  void list(char open, char close, const Item& item) {
    expect(open);
    if (accept(close)) return;
    do item();
    while (accept(','));
    expect(close);
  }

  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }
  bool accept(char c);
  void expect(char c) { require(accept(c), "no '", c, "' at byte ", at_); }

  void escape(std::string& read);

  std::uint32_t hexadecimal();

  static void append_utf8(std::string& read, std::uint32_t code);

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/io/json.ipp>
#endif
