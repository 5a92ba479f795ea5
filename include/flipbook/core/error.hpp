// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <flipbook/core/isa.hpp>

namespace flipbook {

/// Thrown for every run-time misuse: wrong shapes, files and options. The message names the operation, the argument and
/// the requirement.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown if a training step computes values that are not finite, because of the model or its data.
class NotFinite : public Error {
 public:
  using Error::Error;
};

}  // namespace flipbook

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// A part of a message: characters, or a pointer to an object and the function that writes it. One function that is not
/// a template joins parts of any type.
class Part {
 public:
  Part(std::string_view characters) : characters_(characters) {}
  template <class P>
    requires(!std::is_convertible_v<const P&, std::string_view>)
  Part(const P& part) : part_(&part), append_(&append<P>) {}

  void append_to(std::string& text) const {
    if (append_ == nullptr) text += characters_;
    else append_(text, part_);
  }

 private:
  template <class P>
  static void append(std::string& text, const void* at) {
    const P& part = *static_cast<const P*>(at);
    if constexpr (std::same_as<P, char>) text += part;
    else if constexpr (std::same_as<P, bool>) text += part ? "true" : "false";
    else if constexpr (std::is_arithmetic_v<P>) text += std::to_string(part);
    else text += to_string(part);
  }

  std::string_view characters_;
  const void* part_ = nullptr;
  void (*append_)(std::string& text, const void* part) = nullptr;
};

FLIPBOOK_TEMPLATE(void Part::append<int>(std::string&, const void*));
FLIPBOOK_TEMPLATE(void Part::append<long>(std::string&, const void*));
FLIPBOOK_TEMPLATE(void Part::append<unsigned long>(std::string&, const void*));
FLIPBOOK_TEMPLATE(void Part::append<float>(std::string&, const void*));
FLIPBOOK_TEMPLATE(void Part::append<double>(std::string&, const void*));

FLIPBOOK_INLINE std::string joined(std::initializer_list<Part> parts);

/// The text with control characters escaped, as in \x1b: those of a file or its name must not reach a terminal.
FLIPBOOK_INLINE std::string printable(std::string_view text);

/// The text without its middle if it is too long to read: a name in a file may have megabytes.
FLIPBOOK_INLINE std::string shortened(const std::string& text);

[[noreturn]] FLIPBOOK_INLINE void throw_joined(std::initializer_list<Part> parts);

}  // namespace detail

/// The parts concatenated: strings, numbers, and types with a `to_string`.
template <class... Parts>
std::string text(const Parts&... parts) {
  return detail::joined({detail::Part(parts)...});
}

/// Throws an Error whose message is the parts concatenated, with control characters escaped.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  detail::throw_joined({detail::Part(parts)...});
}

/// Throws an Error unless `holds`; the message is built only then.
template <class... Parts>
void require(bool holds, const Parts&... parts) {
  if (!holds) [[unlikely]]
    fail(parts...);
}

}  // namespace flipbook

#if !FLIPBOOK_COMPILED
#include <flipbook/core/error.ipp>
#endif
