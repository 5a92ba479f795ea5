// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <string_view>

#include <flipbook/core/tensor.hpp>

namespace flipbook::inline FLIPBOOK_ISA {

namespace detail {

/// @throws Error if an element is not `good`: names `what`, the element's position and its value
template <Real T, class Good>
void require_each(const Tensor<T>& x, std::string_view what, const Good& good) {
  const T* bad = std::find_if_not(x.begin(), x.end(), good);
  if (bad == x.end()) return;
  Shape at = x.shape();
  Index rest = bad - x.begin();
  for (int axis = x.rank() - 1; axis >= 0; rest /= x.extent(axis--)) at[axis] = rest % x.extent(axis);
  fail(what, ": element ", at, " of ", x.shape(), " is ", *bad);
}

}  // namespace detail

/// Checks that all elements are finite.
/// @throws Error if an element is infinite or NaN: names `what` and the element's position
template <Real T>
void require_finite(const Tensor<T>& x, std::string_view what) {
  detail::require_each(x, what, [](T value) { return std::isfinite(value); });
}

/// Checks that all elements lie in [0, 1].
/// @throws Error if an element is outside [0, 1] or NaN, as require_finite
template <Real T>
void require_unit(const Tensor<T>& x, std::string_view what) {
  detail::require_each(x, what, [](T value) { return T(0) <= value && value <= T(1); });
}

/// An 8-bit pixel as a number in [0, 1].
constexpr float to_unit(std::uint8_t pixel) noexcept { return static_cast<float>(pixel) / 255; }

/// 8-bit pixels as numbers in [0, 1].
inline Tensor<float> to_unit(const Tensor<std::uint8_t>& pixels) {
  Tensor<float> x(pixels.shape());
  std::transform(pixels.begin(), pixels.end(), x.begin(), [](std::uint8_t pixel) { return to_unit(pixel); });
  return x;
}

/// Numbers as 8-bit pixels, rounded to the nearest; numbers outside [0, 1] are clamped.
/// @throws Error if an element is infinite or not a number
template <Real T>
Tensor<std::uint8_t> to_bytes(const Tensor<T>& x, std::string_view what = "to_bytes") {
  require_finite(x, what);
  Tensor<std::uint8_t> pixels(x.shape());
  std::transform(x.begin(), x.end(), pixels.begin(),
                 [](T value) { return static_cast<std::uint8_t>(std::clamp(value, T(0), T(1)) * 255 + T(0.5)); });
  return pixels;
}
inline Tensor<std::uint8_t> to_bytes(const Tensor<std::uint8_t>& pixels, std::string_view = "") { return pixels; }

/// The types of pixels: 8 bits, or numbers in [0, 1].
template <class T>
concept Pixel = Real<T> || std::same_as<T, std::uint8_t>;

FLIPBOOK_TEMPLATE(Tensor<std::uint8_t> to_bytes(const Tensor<float>&, std::string_view));

}  // namespace flipbook
