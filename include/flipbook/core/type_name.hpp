// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A text in which a type stands as a compiler writes it, for `type_name`.
template <class X>
constexpr const char* spelled() noexcept {
  return __PRETTY_FUNCTION__;  // … [with X = …] or … [X = …]
}

[[gnu::noinline]] inline std::string without(std::string all, std::string_view what) {
  for (std::size_t at; (at = all.find(what)) != std::string::npos;) all.erase(at, what.size());
  return all;
}

/// The type in a text of `spelled`, without the library's own namespaces.
[[gnu::noinline]] inline std::string type_name(std::string_view spelled) {
  const std::size_t first = spelled.find("X = ") + 4, last = spelled.rfind(']');
  return without(without(std::string(spelled.substr(first, last - first)), FLIPBOOK_TEXT(FLIPBOOK_ISA) "::"),
                 "flipbook::");
}
/// The same in fewer words: no namespaces at all, and cut after `most` characters.
[[gnu::noinline]] inline std::string short_type_name(std::string_view spelled, std::size_t most = 60) {
  std::string name = type_name(spelled);
  for (std::size_t at; (at = name.find("::")) != std::string::npos;) {
    const std::size_t before = name.find_last_of("<>(, ", at == 0 ? 0 : at - 1);
    const std::size_t first = before == std::string::npos ? 0 : before + 1;
    name.erase(first, at + 2 - first);
  }
  if (name.size() > most) name = name.substr(0, most) + "…";
  return name;
}

}  // namespace flipbook::detail
