// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

#include <flipbook/core/type_name.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// What a network's type is: digits, then a text for people. The digits are of the type's name in object files, which
/// compilers agree on, without the instruction set; they spell the text in ways of their own.
template <class Net>
std::string description_of() {
  std::uint64_t digest = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : key_of(typeid(Net).name(), {})) {
    digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return text(digest, " ", type_name(spelled<Net>()));
}

/// The part of a description for people.
FLIPBOOK_INLINE std::string_view text_of(std::string_view description);
FLIPBOOK_INLINE bool same_type(std::string_view a, std::string_view b);

/// Two descriptions side by side, from the layer or argument on where they begin to differ.
FLIPBOOK_INLINE std::string difference(std::string_view file, std::string_view here);

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/train/description.ipp>
#endif
