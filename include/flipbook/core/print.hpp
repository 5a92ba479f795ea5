// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iosfwd>
#include <limits>
#include <string>
#include <vector>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// Tensors of more elements are summarised.
inline constexpr Index most_printed = 100;

// At most six significant digits, as a stream writes it.
inline std::string written(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number, std::chars_format::general, 6).ptr;
  return {text, end};
}
template <Element T>
std::string written(const T& element) {
  if constexpr (Real<T>) return written(static_cast<double>(element));
  else return std::to_string(element);
}

// The elements in nested brackets, right-aligned, with one row of the last axis per line.
template <class T>
std::string bracketed(const Shape& shape, const std::vector<T>& elements) {
  std::vector<std::string> each;
  for (const T& element : elements) each.push_back(written(element));
  std::size_t width = 0;
  for (const std::string& number : each) width = std::max(width, number.size());
  std::string text;
  const auto write = [&](const auto& self, int axis, std::size_t first, std::size_t count) -> void {
    if (axis == shape.rank()) {
      if (shape.rank() > 0) text.append(width - each[first].size(), ' ');
      text += each[first];
      return;
    }
    const auto extent = static_cast<std::size_t>(shape[axis]);
    text += '[';
    for (std::size_t i = 0; i < extent; ++i) {
      if (i > 0 && axis + 1 == shape.rank()) text += ", ";
      if (i > 0 && axis + 1 < shape.rank()) {
        text += ',' + std::string(static_cast<std::size_t>(shape.rank() - axis - 1), '\n');
        text.append(static_cast<std::size_t>(axis + 1), ' ');
      }
      self(self, axis + 1, first + i * (count / extent), count / extent);
    }
    text += ']';
  };
  write(write, 0, 0, each.size());
  return text;
}

// The first and last elements, and the minimum, mean and maximum of those that are not NaN.
template <class T>
std::string summarised(const std::vector<T>& elements) {
  constexpr std::size_t shown = 3;
  std::string text = "[";
  for (std::size_t i = 0; i < shown; ++i) text += written(elements[i]) + ", ";
  text += "…";
  for (std::size_t i = elements.size() - shown; i < elements.size(); ++i)
    text += flipbook::text(", ", written(elements[i]));
  double sum = 0, least = std::numeric_limits<double>::infinity(), most = -least;
  std::size_t numbers = 0;
  for (const T& element : elements) {
    const auto number = static_cast<double>(element);
    if (std::isnan(number)) continue;
    sum += number, ++numbers;
    least = std::min(least, number), most = std::max(most, number);
  }
  text += "]";
  if (numbers > 0) {
    text += flipbook::text(", min ", written(least), ", mean ", written(sum / static_cast<double>(numbers)), ", max ",
                           written(most));
  }
  if (numbers < elements.size()) text += flipbook::text(", ", elements.size() - numbers, " NaN");
  return text;
}

}  // namespace detail

/// A tensor as text: its scalar, shape, backend and elements. A tensor of more than 100 elements is summarised by its
/// first and last elements, minimum, mean and maximum. Elements on a device are copied to the host, which waits for
/// them.
///
///     float (2, 3)
///     [[  1,   2,   3],
///      [  4, 0.5,   6]]
///
///     float (16, 64, 64, 3): [0.1, 0.12, 0.11, …, 0.9, 0.91, 0.9], min 0, mean 0.413, max 1
template <class T, class B>
std::string to_string(const Tensor<T, B>& x) {
  std::string text = std::string(name_of<T>()) + ' ' + to_string(x.shape());
  if (!x) return x.shape() == Shape{} ? "no tensor" : text + ", no elements";
  if constexpr (!std::same_as<B, Cpu>) text += std::string(" on ") + B::name;
  const std::vector<T> elements = to_vector(x);
  if (x.size() > detail::most_printed) return text + ": " + detail::summarised(elements);
  return text + (x.rank() > 1 && x.size() > 0 ? '\n' : ' ') + detail::bracketed(x.shape(), elements);
}

/// Writes the tensor as text to a stream: `std::cout << x`.
template <class Traits, class T, class B>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, const Tensor<T, B>& x) {
  return out << to_string(x);
}

}  // namespace flipbook
