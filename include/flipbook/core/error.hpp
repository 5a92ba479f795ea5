#pragma once

#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace flipbook {

/// Thrown for every run-time misuse: wrong shapes, files and options. The text names the operation,
/// what it was given and what it needs.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

template <class Part>
void append(std::string& text, const Part& part) {
  if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
    text += std::string_view(part);
  } else if constexpr (std::same_as<Part, char>) {
    text += part;
  } else if constexpr (std::same_as<Part, bool>) {
    text += part ? "true" : "false";
  } else if constexpr (std::is_arithmetic_v<Part>) {
    text += std::to_string(part);
  } else {
    text += to_string(part);
  }
}

}  // namespace detail

/// The parts written one after another: strings, numbers, and whatever has a `to_string`.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string joined;
  (detail::append(joined, parts), ...);
  return joined;
}

/// Throws an Error whose text is the parts joined.
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw Error(text(parts...));
}

/// Throws an Error unless `holds`; the text is only put together when it does not.
template <class... Parts>
void require(bool holds, const Parts&... parts) {
  if (!holds) [[unlikely]] fail(parts...);
}

}  // namespace flipbook
