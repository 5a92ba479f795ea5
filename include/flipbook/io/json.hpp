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

/// The length of the UTF-8 character at the beginning of `text`, or 0 if there is none: overlong forms, surrogates and
/// codes above U+10FFFF are none.
FLIPBOOK_INLINE std::size_t utf8_length(std::string_view text);

/// Text as a JSON string, in quotes.
/// @throws Error if it is not UTF-8
FLIPBOOK_INLINE std::string to_json(std::string_view text);

/// Reads the JSON of file headers: objects, arrays, strings and whole numbers, in the order in which the caller expects
/// them. Nesting deeper than the caller's is an error, not a recursion. (A parser of all JSON would add seconds to
/// every program that stores weights.) All functions throw Error for other text: names the position.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {}

  /// Calls `value(key)` at the beginning of each value; it must read it. A repeated key is an error.
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

  /// Calls `element()` at the beginning of each element; it must read it.
  template <class Element>
  void array(const Element& element) {
    list('[', ']', element);
  }

  std::string string();

  /// A whole number that is not negative.
  std::uint64_t number();

  /// Requires that only white space follows.
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
