// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flipbook/core/error.hpp>
#include <flipbook/core/shape.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

/// How some parameters are trained otherwise than an optimiser's rule says. What is not given stays as it is.
struct ParameterGroup {
  std::optional<double> rate_factor = {};   ///< of the learning rate; 0 freezes them
  std::optional<double> weight_decay = {};  ///< in place of the rule's

  bool operator==(const ParameterGroup&) const = default;
};

/// Says of a parameter, by its name and shape, whether it is of a group.
using ParameterChoice = std::function<bool(const std::string& name, const Shape& shape)>;

/// Whether a parameter has one axis at most, as biases and the factors of normalisations have, which a weight decay is
/// mostly kept from: trainer.set_group(fb::is_vector, {.weight_decay = 0}).
inline bool is_vector(const std::string&, const Shape& shape) { return shape.rank() <= 1; }

namespace detail {

/// Whether a name is of a pattern, in which * stands for any characters, dots among them.
[[gnu::noinline]] inline bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  for (std::size_t at = star; at <= name.size(); ++at) {
    if (matches(pattern.substr(star + 1), name.substr(at))) return true;
  }
  return false;
}

/// Neighbouring parameters of one group.
struct GroupRange {
  Index first, last;
  ParameterGroup group;
};

/// Changes what is set for parameters [first, last) among ranges that follow one another.
[[gnu::noinline]] inline void set_range(std::vector<GroupRange>& ranges, Index first, Index last,
                                        const ParameterGroup& group) {
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

[[gnu::noinline]] inline void check_group(const ParameterGroup& group) {
  for (const auto& [name, number] :
       {std::pair{"rate_factor", group.rate_factor}, {"weight_decay", group.weight_decay}}) {
    require(!number || (std::isfinite(*number) && *number >= 0), "set_group: a ", name, " of ", number.value_or(0));
  }
}

/// @throws Error  that nothing was chosen of these names
[[noreturn, gnu::noinline]] inline void fail_unmatched(const std::string& what, const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) list += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > most) list += text(" and ", names.size() - most, " more");
  fail("set_group: ", what, " is no parameter that is trained; there are ", list);
}

}  // namespace detail
}  // namespace flipbook
