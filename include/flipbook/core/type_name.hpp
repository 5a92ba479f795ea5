// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// A string that contains the type's name as the compiler writes it, for `type_name`.
template <class X>
constexpr const char* spelled() noexcept {
  return __PRETTY_FUNCTION__;  // … [with X = …] or … [X = …]
}

FLIPBOOK_INLINE std::string without(std::string all, std::string_view what);

/// The type's name in a string of `spelled`, without the library's namespaces.
FLIPBOOK_INLINE std::string type_name(std::string_view spelled);
/// The type's name without any namespaces, cut after `most` characters.
FLIPBOOK_INLINE std::string short_type_name(std::string_view spelled, std::size_t most = 60);

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/core/type_name.ipp>
#endif
