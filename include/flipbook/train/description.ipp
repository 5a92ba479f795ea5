// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/train/description.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

FLIPBOOK_INLINE std::string_view text_of(std::string_view description) {
  return description.substr(std::min(description.find(' ') + 1, description.size()));
}

FLIPBOOK_INLINE bool same_type(std::string_view a, std::string_view b) {
  return a.substr(0, a.find(' ')) == b.substr(0, b.find(' ')) || text_of(a) == text_of(b);
}

FLIPBOOK_INLINE std::string difference(std::string_view file, std::string_view here) {
  constexpr std::size_t before = 24, most = 90;
  const auto [a, b] = std::ranges::mismatch(file, here);
  std::size_t first = static_cast<std::size_t>(a - file.begin());
  first = std::min(file.substr(0, first).find_last_of(",<") + 1, first);  // npos + 1 is 0
  first = first > before ? std::min(file.find_first_of(",< ", first - before) + 1, first) : 0;
  const auto shown = [&](std::string_view all) {
    const std::string_view part = all.substr(std::min(first, all.size()), most);
    return text("'", first > 0 ? "…" : "", part, first + part.size() < all.size() ? "…" : "", "'");
  };
  return text("the file's is ", shown(file), ", this program's ", shown(here));
}

}  // namespace flipbook::detail
