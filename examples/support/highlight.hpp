#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>

#include <flipbook/io/file.hpp>

#include "html.hpp"

namespace flipbook::examples {

namespace detail {

inline bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

inline bool is_keyword(std::string_view word) {
  static constexpr std::array keywords{
      "alignas", "auto", "bool", "break", "case", "catch", "char", "class", "concept", "const", "consteval",
      "constexpr", "continue", "default", "delete", "do", "double", "else", "enum", "explicit", "false", "float",
      "for", "friend", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "nullptr",
      "operator", "private", "public", "requires", "return", "sizeof", "static", "static_assert", "struct",
      "switch", "template", "this", "throw", "true", "try", "typename", "unsigned", "using", "void", "while"};
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

/// The declaration of `name` in a C++ source, with the comments and the `template` line above it, as it is
/// written there: from `using name =`, `struct name` or `class name` to the end of the line that ends it.
/// @throws Error if it is not there
inline std::string declaration(std::string_view source, std::string_view name) {
  const auto starts_declaration = [&](std::string_view line) {
    for (const std::string_view word : {"using ", "struct ", "class "}) {
      if (!line.starts_with(word) || !line.substr(word.size()).starts_with(name)) continue;
      const auto rest = line.substr(word.size() + name.size());
      return rest.empty() || !detail::is_word(rest.front());
    }
    return false;
  };
  std::size_t begin = 0, above = 0;  // the line, and the first of the comments and template heads above it
  for (bool found = false; !found;) {
    require(begin < source.size(), "declaration: the source has none of '", name, "'");
    const std::size_t end = std::min(source.find('\n', begin), source.size());
    const std::string_view line = source.substr(begin, end - begin);
    found = starts_declaration(line);
    if (!found && !line.starts_with("//") && !line.starts_with("template ")) above = end + 1;
    if (!found) begin = end + 1;
  }
  int depth = 0;
  for (std::size_t at = begin; at < source.size();) {
    const auto [length, kind] = detail::token_at(source.substr(at));
    const char c = source[at];
    if (kind == nullptr) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    at += length;
    if (kind != nullptr || c != ';' || depth != 0) continue;
    return std::string(source.substr(above, std::min(source.find('\n', at), source.size()) - above));
  }
  fail("declaration: that of '", name, "' does not end");
}

/// The same from a file of this source tree, named from its root: "examples/demo.cpp".
/// @throws Error if the file is not where it was when this program was compiled
inline std::string declaration_in(const std::filesystem::path& file, std::string_view name) {
  const auto root = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
  const Bytes bytes = read_file(root / file);
  return declaration({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
}

}  // namespace flipbook::examples
