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
FLIPBOOK_INLINE bool matches(std::string_view pattern, std::string_view name);

/// Neighbouring parameters of one group.
struct GroupRange {
  Index first, last;
  ParameterGroup group;
};

/// Changes what is set for parameters [first, last) among ranges that follow one another.
FLIPBOOK_INLINE void set_range(std::vector<GroupRange>& ranges, Index first, Index last, const ParameterGroup& group);

FLIPBOOK_INLINE void check_group(const ParameterGroup& group);

/// @throws Error  that nothing was chosen of these names
[[noreturn]] FLIPBOOK_INLINE void fail_unmatched(const std::string& what, const std::vector<std::string>& names);

}  // namespace detail
}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/optim/group.ipp>
#endif
