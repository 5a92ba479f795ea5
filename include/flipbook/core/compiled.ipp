// SPDX-License-Identifier: MIT
#pragma once

#include <flipbook/core/compiled.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

FLIPBOOK_INLINE std::string key_of(const char* mangled, std::initializer_list<int> options) {
  static constexpr std::string_view isa = FLIPBOOK_TEXT(FLIPBOOK_ISA);
  const std::string own = std::to_string(isa.size()) + std::string(isa);
  std::string key = mangled;
  for (std::size_t at = 0; (at = key.find(own, at)) != key.npos;) key.replace(at, own.size(), "3isa");
  for (const int option : options) key += ':' + std::to_string(option);
  return key;
}

FLIPBOOK_INLINE AnyKernel find_kernel(const char* name, const char* mangled, std::initializer_list<int> options) {
  const std::string key = key_of(mangled, options);
  const auto function = flipbook_kernel(name, key.c_str());
  require(function != nullptr, "flipbook::kernels has no ", name, " of type ", key,
          ": the library that is linked is another version than the headers");
  return function;
}

}  // namespace detail

}  // namespace flipbook
