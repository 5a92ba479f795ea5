// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/optim/group.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  for (std::size_t at = star; at <= name.size(); ++at) {
    if (matches(pattern.substr(star + 1), name.substr(at))) return true;
  }
  return false;
}

FLIPBOOK_INLINE void set_range(std::vector<GroupRange>& ranges, Index first, Index last, const ParameterGroup& group) {
  std::vector<GroupRange> all;
  const auto add = [&](Index from, Index to, const ParameterGroup& of) {
    if (from >= to) return;
    if (!all.empty() && all.back().group == of) all.back().last = to;
    else all.push_back({from, to, of});
  };
  for (const GroupRange& range : ranges) {
    add(range.first, std::min(range.last, first), range.group);
    add(std::max(range.first, first), std::min(range.last, last),
        {group.rate_factor ? group.rate_factor : range.group.rate_factor,
         group.weight_decay ? group.weight_decay : range.group.weight_decay});
    add(std::max(range.first, last), range.last, range.group);
  }
  ranges = std::move(all);
}

FLIPBOOK_INLINE void check_group(const ParameterGroup& group) {
  for (const auto& [name, number] :
       {std::pair{"rate_factor", group.rate_factor}, {"weight_decay", group.weight_decay}}) {
    require(!number || (std::isfinite(*number) && *number >= 0), "set_group: a ", name, " of ", number.value_or(0));
  }
}

FLIPBOOK_INLINE void fail_unmatched(const std::string& what, const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) list += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > most) list += text(" and ", names.size() - most, " more");
  fail("set_group: ", what, " is no parameter that is trained; there are ", list);
}

}  // namespace detail

}  // namespace flipbook
