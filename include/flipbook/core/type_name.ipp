// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/type_name.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

FLIPBOOK_INLINE std::string without(std::string all, std::string_view what) {
  for (std::size_t at; (at = all.find(what)) != std::string::npos;) all.erase(at, what.size());
  return all;
}

FLIPBOOK_INLINE std::string type_name(std::string_view spelled) {
  const std::size_t first = spelled.find("X = ") + 4, last = spelled.rfind(']');
  return without(without(std::string(spelled.substr(first, last - first)), FLIPBOOK_TEXT(FLIPBOOK_ISA) "::"),
                 "flipbook::");
}

FLIPBOOK_INLINE std::string short_type_name(std::string_view spelled, std::size_t most) {
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
