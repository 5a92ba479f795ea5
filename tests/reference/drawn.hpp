// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <vector>

#include <flipbook/core/random.hpp>

/// Memory for tests of kernels, which know no tensors.
namespace reference {

/// Whether the processor is emulated, which is some twenty times slower.
#ifdef FLIPBOOK_EMULATED_CPU
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif
/// How many random cases a test takes: a fifth of them where the processor is emulated.
constexpr int cases(int count) { return emulated ? count / 5 : count; }

/// Normally distributed numbers.
template <class T>
std::vector<T> drawn(flipbook::Index size, flipbook::Rng& rng) {
  std::vector<T> x(static_cast<std::size_t>(size));
  for (T& value : x) value = static_cast<T>(rng.normal());
  return x;
}
/// NaN, which what is not written stays.
template <class T>
std::vector<T> poisoned(flipbook::Index size) {
  return std::vector<T>(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
}

}  // namespace reference
