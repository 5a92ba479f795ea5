// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "html.hpp"

namespace flipbook::examples {

namespace detail {

inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

inline bool is_keyword(std::string_view word) {
  static constexpr std::array keywords{
      "alignas",  "auto",      "bool",      "break",    "case",          "catch",   "char",     "class",    "concept",
      "const",    "consteval", "constexpr", "continue", "default",       "delete",  "do",       "double",   "else",
      "enum",     "explicit",  "false",     "float",    "for",           "friend",  "if",       "inline",   "int",
      "long",     "mutable",   "namespace", "new",      "noexcept",      "nullptr", "operator", "private",  "public",
      "requires", "return",    "sizeof",    "static",   "static_assert", "struct",  "switch",   "template", "this",
      "throw",    "true",      "try",       "typename", "unsigned",      "using",   "void",     "while"};
  return std::find(keywords.begin(), keywords.end(), word) != keywords.end();
}

/// How long the piece of C++ at the beginning of `code` is, and what it is: the class of its span, or none.
struct Token {
  std::size_t length;
  const char* kind;
};
inline Token token_at(std::string_view code) {
  const auto until = [&](std::string_view end, std::size_t from) {
    const auto at = code.find(end, from);
    return at == std::string_view::npos ? code.size() : at + end.size();
  };
  const char first = code[0];
  if (code.starts_with("//")) return {std::min(code.find('\n'), code.size()), "comment"};
  if (code.starts_with("/*")) return {until("*/", 2), "comment"};
  if (first == '"' || first == '\'') {
    std::size_t at = 1;
    while (at < code.size() && code[at] != first && code[at] != '\n') at += code[at] == '\\' ? 2 : 1;
    return {std::min(at + 1, code.size()), "string"};
  }
  if (first == '#') return {std::min(code.find('\n'), code.size()), "directive"};
  if (!is_word(first)) return {1, nullptr};

  std::size_t length = 1;
  const bool number = std::isdigit(static_cast<unsigned char>(first)) != 0;
  while (length < code.size() && (is_word(code[length]) || (number && (code[length] == '.' || code[length] == '\'')))) {
    ++length;
  }
  if (number) return {length, "number"};
  if (is_keyword(code.substr(0, length))) return {length, "keyword"};
  return {length, std::isupper(static_cast<unsigned char>(first)) != 0 ? "type" : nullptr};
}

}  // namespace detail

/// C++ as HTML: escaped, with comments, strings, numbers, keywords, directives and types (by their capital) in
/// spans of those classes.
inline std::string highlighted(std::string_view code) {
  std::string html;
  while (!code.empty()) {
    const auto [length, kind] = detail::token_at(code);
    const std::string piece = escaped(code.substr(0, length));
    html += kind == nullptr ? piece : text("<span class=\"", kind, "\">", piece, "</span>");
    code.remove_prefix(length);
  }
  return html;
}

}  // namespace flipbook::examples
