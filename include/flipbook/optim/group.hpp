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

/// The settings of a group of parameters that differ from the optimiser's rule. Settings that are not given do not
/// change.
struct ParameterGroup {
  std::optional<double> rate_factor = {};   ///< multiplies the learning rate; 0 freezes the parameters
  std::optional<double> weight_decay = {};  ///< replaces the rule's

  bool operator==(const ParameterGroup&) const = default;
};

/// A predicate of a parameter's name and shape: whether it belongs to a group.
using ParameterChoice = std::function<bool(const std::string& name, const Shape& shape)>;

/// Whether a parameter has at most one axis, like biases and the factors of normalisations, which are usually excluded
/// from weight decay: trainer.set_group(fb::is_vector, {.weight_decay = 0}).
inline bool is_vector(const std::string&, const Shape& shape) { return shape.rank() <= 1; }

namespace detail {

/// Whether a name matches a pattern, in which * stands for any characters, dots included.
FLIPBOOK_INLINE bool matches(std::string_view pattern, std::string_view name);

/// Neighbouring parameters of one group.
struct GroupRange {
  Index first, last;
  ParameterGroup group;
};

/// Changes the settings of parameters [first, last) in a list of consecutive ranges.
FLIPBOOK_INLINE void set_range(std::vector<GroupRange>& ranges, Index first, Index last, const ParameterGroup& group);

FLIPBOOK_INLINE void check_group(const ParameterGroup& group);

/// @throws Error  that none of these names was chosen
[[noreturn]] FLIPBOOK_INLINE void fail_unmatched(const std::string& what, const std::vector<std::string>& names);

}  // namespace detail
}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/optim/group.ipp>
#endif
