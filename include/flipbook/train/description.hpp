// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

#include <flipbook/core/type_name.hpp>

namespace flipbook::inline FLIPBOOK_ISA::detail {

/// The description of a network's type: digits, then a readable text. The digits are a hash of the type's mangled name,
/// which is the same for all compilers, without the instruction set; compilers spell the text differently.
template <class Net>
std::string description_of() {
  std::uint64_t digest = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : key_of(typeid(Net).name(), {})) {
    digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return text(digest, " ", type_name(spelled<Net>()));
}

/// The readable part of a description.
FLIPBOOK_INLINE std::string_view text_of(std::string_view description);
FLIPBOOK_INLINE bool same_type(std::string_view a, std::string_view b);

/// Two descriptions, from the layer or argument at which they begin to differ.
FLIPBOOK_INLINE std::string difference(std::string_view file, std::string_view here);

}  // namespace flipbook::detail

#if !FLIPBOOK_COMPILED
#include <flipbook/train/description.ipp>
#endif
